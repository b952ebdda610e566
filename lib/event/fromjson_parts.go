package event

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake/lib/consent"
)

func (r *reader) client(v Value, path string) Client {
	var c Client
	for _, m := range r.object(v, path) {
		at := Join(path, m.Key)
		switch m.Key {
		case "phone":
			c.Phone = r.text(m.Value, at)
		case "phones":
			c.Phones = r.texts(m.Value, at)
		case "email":
			c.Email = r.text(m.Value, at)
		case "emails":
			c.Emails = r.texts(m.Value, at)
		case "external_id":
			c.ExternalID = r.text(m.Value, at)
		case "external_ids":
			c.ExternalIDs = r.texts(m.Value, at)
		case "references":
			c.References = r.texts(m.Value, at)
		case "card_no":
			c.CardNo = r.text(m.Value, at)
		case "name":
			c.Name = r.text(m.Value, at)
		case "first_name":
			c.FirstName = r.text(m.Value, at)
		case "last_name":
			c.LastName = r.text(m.Value, at)
		case "birth_date":
			c.BirthDate = r.text(m.Value, at)
		case "gender":
			c.Gender = Gender(r.text(m.Value, at))
		case "city":
			c.City = r.text(m.Value, at)
		case "country":
			c.Country = r.text(m.Value, at)
		case "address":
			c.Address = r.text(m.Value, at)
		case "company":
			c.Company = r.text(m.Value, at)
		case "loyalty_level":
			c.LoyaltyLevel = r.text(m.Value, at)
		case "preferred_channel":
			c.PreferredChannel = r.text(m.Value, at)
		case "attributes":
			r.attributes(m.Value, at, &c.Attributes)
		default:
			keep(&c.Attributes, m.Key, m.Value)
		}
	}
	return c
}

// Gender reads the usual words for f and m; anything else is not told.
func Gender(s string) string {
	switch strings.ToLower(s) {
	case "f", "female", "ж", "жен", "женский", "woman":
		return "f"
	case "m", "male", "м", "муж", "мужской", "man":
		return "m"
	default:
		return ""
	}
}

func (r *reader) order(v Value, path string) *Order {
	members := r.object(v, path)
	if members == nil {
		return nil
	}
	var o Order
	o.Currency = r.currency(v.Get("currency"), Join(path, "currency"))
	for _, m := range members {
		at := Join(path, m.Key)
		switch m.Key {
		case "id":
			o.ID = r.text(m.Value, at)
		case "status":
			o.Status = r.text(m.Value, at)
			if o.Status != "" && StatusRank(o.Status) < 0 {
				r.fault(at, "unknown; one of new, paid, shipped, completed, cancelled, returned")
			}
		case "total":
			o.Total = r.amount(m.Value, at, o.Currency)
		case "shipping":
			o.Shipping = r.amount(m.Value, at, o.Currency)
		case "returned":
			o.Returned = r.amount(m.Value, at, o.Currency)
		case "items":
			if m.Value.Type != Array && m.Value.Type != Null {
				r.fault(at, "want an array, got "+m.Value.Type.String())
			}
			for i, item := range m.Value.Items {
				o.Items = append(o.Items, r.item(item, at+"["+strconv.Itoa(i)+"]", o.Currency))
			}
		}
	}
	return &o
}

func (r *reader) item(v Value, path, currency string) Item {
	var item Item
	for _, m := range r.object(v, path) {
		at := Join(path, m.Key)
		switch m.Key {
		case "sku":
			item.SKU = r.text(m.Value, at)
		case "name":
			item.Name = r.text(m.Value, at)
		case "category":
			item.Category = r.text(m.Value, at)
		case "quantity":
			item.Quantity = r.number(m.Value, at)
		case "price":
			item.Price = r.amount(m.Value, at, currency)
		case "sum":
			item.Sum = r.amount(m.Value, at, currency)
		}
	}
	return item
}

// StatusRank orders statements of one instant: cancelled and returned above
// completed, shipped, paid and new; -1 for what is no status (metrics, "Fold of
// an order").
func StatusRank(status string) int {
	switch status {
	case StatusNew:
		return 0
	case StatusPaid:
		return 1
	case StatusShipped:
		return 2
	case StatusCompleted:
		return 3
	case StatusCancelled, StatusReturned:
		return 4
	default:
		return -1
	}
}

// ClickID reports whether a field or query key is a click identifier of an ad
// platform.
func ClickID(key string) bool {
	return slices.Contains([]string{"yclid", "gclid", "fbclid", "gbraid", "wbraid", "ttclid", "msclkid", "vkclid", "rb_clickid", "gcl_id", "ysclid"}, key)
}

func (r *reader) attribution(v Value, path string) Attribution {
	var a Attribution
	for _, m := range r.object(v, path) {
		at := Join(path, m.Key)
		switch m.Key {
		case "utm_source":
			a.UTMSource = r.text(m.Value, at)
		case "utm_medium":
			a.UTMMedium = r.text(m.Value, at)
		case "utm_campaign":
			a.UTMCampaign = r.text(m.Value, at)
		case "utm_content":
			a.UTMContent = r.text(m.Value, at)
		case "utm_term":
			a.UTMTerm = r.text(m.Value, at)
		case "referrer":
			a.Referrer = r.text(m.Value, at)
		case "landing":
			a.Landing = r.text(m.Value, at)
		case "client_ids":
			r.attributes(m.Value, at, &a.ClientIDs)
		default:
			if ClickID(m.Key) {
				keep(&a.ClickIDs, m.Key, m.Value)
			}
		}
	}
	return a
}

func (r *reader) consents(v Value, path string) []Consent {
	if v.Type != Array && v.Type != Null {
		r.fault(path, "want an array, got "+v.Type.String())
	}
	var list []Consent
	for i, item := range v.Items {
		at := path + "[" + strconv.Itoa(i) + "]"
		if r.object(item, at) == nil {
			continue
		}
		c := Consent{
			Purpose:     strings.ToLower(r.text(item.Get("purpose"), at+".purpose")),
			Given:       r.boolean(item.Get("given"), at+".given"),
			TextVersion: r.text(item.Get("text_version"), at+".text_version"),
			At:          r.time(item.Get("at"), at+".at"),
			Evidence:    r.text(item.Get("evidence"), at+".evidence"),
		}
		if purpose := consent.Purpose(c.Purpose); !purpose.Known() && !purpose.Signal() {
			r.fault(at+".purpose", "unknown; one of processing, ads, email, sms, call, messenger, ad_user_data, ad_personalization")
		}
		list = append(list, c)
	}
	return list
}

func (r *reader) cost(v Value, path string) *Cost {
	if r.object(v, path) == nil {
		return nil
	}
	c := Cost{
		Day:      r.day(v.Get("day"), path+".day"),
		Source:   r.text(v.Get("source"), path+".source"),
		Campaign: r.text(v.Get("campaign"), path+".campaign"),
		Currency: r.currency(v.Get("currency"), path+".currency"),
		Clicks:   r.number(v.Get("clicks"), path+".clicks"),
	}
	c.Amount = r.amount(v.Get("amount"), path+".amount", c.Currency)
	for _, field := range []string{"day", "source", "amount"} {
		if value := v.Get(field); value.Type == Null || value.Type == String && value.Text == "" {
			r.fault(path+"."+field, "missing; a cost needs day, source and amount")
		}
	}
	return &c
}

func (r *reader) contact(v Value, path string) *Contact {
	if r.object(v, path) == nil {
		return nil
	}
	return &Contact{
		Channel:   strings.ToLower(r.text(v.Get("channel"), path+".channel")),
		Direction: strings.ToLower(r.text(v.Get("direction"), path+".direction")),
		Result:    r.text(v.Get("result"), path+".result"),
		Seconds:   r.number(v.Get("seconds"), path+".seconds"),
		Rating:    r.number(v.Get("rating"), path+".rating"),
		Text:      r.text(v.Get("text"), path+".text"),
	}
}

func (r *reader) booking(v Value, path string) *Booking {
	if r.object(v, path) == nil {
		return nil
	}
	return &Booking{
		ID:     r.text(v.Get("id"), path+".id"),
		For:    r.time(v.Get("for"), path+".for"),
		Status: r.text(v.Get("status"), path+".status"),
	}
}

func (r *reader) unsubscribe(v Value, path string) *Unsubscription {
	if v.Type == String {
		return &Unsubscription{Channel: strings.ToLower(v.Text)}
	}
	if r.object(v, path) == nil {
		return nil
	}
	return &Unsubscription{Channel: strings.ToLower(r.text(v.Get("channel"), path+".channel"))}
}

// JSON writes a value back as compact JSON.
func (v Value) JSON() string {
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v Value) write(b *strings.Builder) {
	switch v.Type {
	case Null:
		b.WriteString("null")
	case Bool, Number:
		b.WriteString(v.Text)
	case String:
		quoted, _ := json.Marshal(v.Text) //nolint:errchkjson // a string always marshals
		b.Write(quoted)
	case Array:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b)
		}
		b.WriteByte(']')
	case Object:
		b.WriteByte('{')
		for i, m := range v.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			quoted, _ := json.Marshal(m.Key) //nolint:errchkjson // a string always marshals
			b.Write(quoted)
			b.WriteByte(':')
			m.Value.write(b)
		}
		b.WriteByte('}')
	}
}
