package portal_test

import (
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
)

// qualityRows measures the base of the fixture and its three sources.
func qualityRows(clients int64, name naming) []schema.QualityRow {
	of := func(source, measure string, percent, all int64) schema.QualityRow {
		return schema.QualityRow{Source: source, Measure: measure, Count: all * percent / 100, Of: all}
	}
	var rows []schema.QualityRow
	for source := range 4 {
		who, all := "", clients
		if source > 0 {
			who, all = name("source", source-1), clients*int64(40-10*source)/100
		}
		shift := int64(5 * source)
		rows = append(rows,
			of(who, "ads_consent", 34-shift, all), of(who, "ads_consent_unknown", 60+shift, all), of(who, "ads_consent_withdrawn", 6, all),
			of(who, "birth_date", 12, all), of(who, "clients", 100, all), of(who, "email", 48-shift, all), of(who, "email_typos", 2, all/2),
			of(who, "emails_junk", 1, all), of(who, "emails_unreadable", 3, all), of(who, "leads", 100, all/4),
			of(who, "leads_without_client", 1, all/4), of(who, "leads_without_contact", 7+shift, all/4), of(who, "more_than_one_record", 31, all),
			schema.QualityRow{Source: who, Measure: "more_than_one_record_minor", Count: all * 41_000, Of: all * 98_000},
			of(who, "name", 71, all), of(who, "phone", 83-shift, all), of(who, "phones_junk", 2, all), of(who, "phones_unreadable", 4, all),
			of(who, "reachable", 91, all))
		if source > 0 {
			rows = append(rows, of(who, "missing_city", 20, all/4), of(who, "failed_no_contact", 1, all))
		} else {
			rows = append(rows, of(who, "orders_without_client", 3, 2*all), of(who, "several_names", 1, all), of(who, "unknown_overrides", 0, 0))
		}
	}
	return rows
}

// mergeSummary lists some of the buyers as merged.
func mergeSummary(all []buyer) portal.MergeSummary {
	m := portal.MergeSummary{Clients: int64(len(all) / 3), Records: int64(len(all)), Suspects: 2, RevenueMinor: 41_000_00}
	for i, b := range all[:min(20, len(all))] {
		names := int64(1)
		if i < 2 {
			names = 2
		}
		m.Top = append(m.Top, portal.MergedClient{ClientID: b.id, Records: int64(2 + i%3), Names: names, Orders: int64(len(b.days)), RevenueMinor: b.revenue()})
	}
	return m
}
