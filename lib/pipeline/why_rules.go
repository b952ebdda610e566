package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/schema"
)

// WhyRule is a value of the card and the rule that gave it, written over the
// columns of the card.
type WhyRule struct {
	Value  string `json:"value"`
	Rule   string `json:"rule"`
	Bounds []int  `json:"bounds,omitempty"` // the thresholds of the rule, in its order
}

// judge says which rule made the lifecycle, the activity and each label.
func (w *Why) judge(cfg *config.Config) {
	c := &w.Client
	w.Lifecycle, w.Activity = lifecycleRule(c.Lifecycle, cfg.Metrics), activityRule(c.Activity, cfg.Metrics)
	for _, label := range c.Labels {
		w.Labels = append(w.Labels, WhyRule{Value: label, Rule: labelRule(cfg, c, label)})
	}
}

func lifecycleRule(value string, m config.Metrics) WhyRule {
	switch value {
	case "regular":
		return ruleOf(value, "orders > %d", m.RegularOrders)
	case "developing":
		return ruleOf(value, "orders > 1 && orders <= %d", m.RegularOrders)
	case "working":
		return ruleOf(value, "orders == 1")
	case "potential":
		return ruleOf(value, "orders == 0 && contacted or moved on after the lead")
	default:
		return ruleOf(value, "orders == 0 && !contacted or moved on after the lead")
	}
}

func activityRule(value string, m config.Metrics) WhyRule {
	switch value {
	case "active":
		return ruleOf(value, "recency_days <= %d", m.ActiveDays)
	case "cooling":
		return ruleOf(value, "recency_days > %d && recency_days <= %d", m.ActiveDays, m.SleepingDays)
	case "sleeping":
		return ruleOf(value, "recency_days > %d", m.SleepingDays)
	case "dead":
		return ruleOf(value, "days since the last event >= %d", m.DeadDays)
	case "new":
		return ruleOf(value, "orders == 0 && days since the first event <= %d", m.NewDays)
	default:
		return ruleOf(value, "orders == 0 && days since the first event > %d", m.NewDays)
	}
}

func ruleOf(value, rule string, bounds ...int) WhyRule {
	values := make([]any, len(bounds))
	for i, bound := range bounds {
		values[i] = bound
	}
	return WhyRule{Value: value, Rule: fmt.Sprintf(rule, values...), Bounds: bounds}
}

// labelRule lists every rule by which the client bears a label.
func labelRule(cfg *config.Config, c *schema.ClientRow, label string) string {
	switch label {
	case "vip":
		rules := byHand(cfg.Labels.VIP, c, label)
		if cfg.Labels.VIP.Rule && c.ABC != nil && *c.ABC == "A" && c.R != nil && *c.R == int64(cfg.Metrics.RFM.Groups) {
			rules = append(rules, fmt.Sprintf(`abc == "A" && r == %d`, *c.R))
		}
		return strings.Join(rules, " || ")
	case "partner":
		return strings.Join(byHand(cfg.Labels.Partner, c, label), " || ")
	case "key":
		if slices.Contains(c.Labels, "vip") {
			return `"vip" in labels`
		}
		return fmt.Sprintf(`lifecycle == "regular" && days since first_order_day > %d`, cfg.Metrics.KeyDays)
	case "newcomer":
		return fmt.Sprintf("days since first_order_day <= %d", cfg.Metrics.NewcomerDays)
	case "active_base":
		return `lifecycle == "regular" && activity == "active" && !("newcomer" in labels)`
	}
	return ""
}

// byHand names the entries of the configuration that give the client a label.
func byHand(by config.Label, c *schema.ClientRow, label string) []string {
	var rules []string
	for _, tag := range by.Tags {
		if slices.ContainsFunc(c.Tags, func(t string) bool { return strings.EqualFold(t, tag) }) {
			rules = append(rules, fmt.Sprintf("%q in tags", tag))
		}
	}
	for _, id := range by.Clients {
		if id == c.ClientID || slices.Contains(c.Aliases, id) {
			rules = append(rules, "client in labels."+label+".clients")
		}
	}
	return rules
}
