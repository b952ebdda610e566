package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/lib/lake"
	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/portal"
	"github.com/leadlake/leadlake/lib/schema"
)

// goldTable is a table of the night as the report writes it beside the Parquet
// file.
type goldTable struct {
	name  string
	about portal.Text
	csv   func(parquet []byte) (file []byte, rows int64, err error)
}

// goldTables lists the tables in the order in which a reader wants them.
func goldTables() []goldTable {
	return []goldTable{
		goldTableOf[schema.ClientRow]("все клиенты с их показателями", "all clients with their figures"),
		goldTableOf[schema.SegmentRow]("кто в каком сегменте и с какого дня", "who is in which segment, and since when"),
		goldTableOf[schema.SegmentCatalogueRow]("какие есть сегменты: правило, размер, вошли и вышли", "the segments: rule, size, entered and left"),
		goldTableOf[schema.HistoryRow]("с какого по какой день у клиента код или сегмент", "from which day to which a client had a code or was in a segment"),
		goldTableOf[schema.ConsentStateRow]("согласия и отзывы: что решает и чем доказано", "consents and withdrawals: the statement that decides, and its proof"),
		goldTableOf[schema.RFMCodeRow]("коды RFM: сколько клиентов и денег", "RFM codes: how many clients and how much money"),
		goldTableOf[schema.RFMMoveRow]("переходы между кодами с прошлого расчёта", "moves between codes since the night before"),
		goldTableOf[schema.ThresholdRow]("границы, по которым выставлены оценки", "the bounds that scores were given by"),
		goldTableOf[schema.ABCRow]("вклад в выручку и классы A, B, C", "shares of revenue and the classes A, B, C"),
		goldTableOf[schema.XYZRow]("ровность продаж и визитов, классы X, Y, Z", "how evenly goods sell and clients come, the classes X, Y, Z"),
		goldTableOf[schema.ABCXYZRow]("ABC и XYZ вместе: сколько и на какие деньги", "ABC and XYZ together: how many, and how much money"),
		goldTableOf[schema.LTVRow]("выручка на клиента и отток по месяцам", "revenue per client and churn by month"),
		goldTableOf[schema.CohortRow]("удержание по месяцам первой покупки", "retention by the month of the first purchase"),
		goldTableOf[schema.LifecycleRow]("новые, вернувшиеся и ушедшие по месяцам", "new, returning and dormant by month"),
		goldTableOf[schema.BasketRow]("что покупают вместе", "what is bought together"),
		goldTableOf[schema.ReplenishmentRow]("кому и что пора купить снова", "who is due to buy what again"),
		goldTableOf[schema.SeasonalityRow]("кто покупает в одни и те же дни года", "who buys in the same days of every year"),
		goldTableOf[schema.RecencyRow]("сколько клиентов покупали сколько дней назад", "how many clients bought how many days ago"),
		goldTableOf[schema.ConcentrationRow]("какую долю выручки дают лучшие", "what share of revenue the best bring"),
		goldTableOf[schema.ChannelRow]("контакты по каналам и месяцам", "contacts by channel and month"),
		goldTableOf[schema.BirthdayRow]("ближайшие дни рождения клиентов, детей и питомцев", "the next birthdays of clients, children and pets"),
		goldTableOf[schema.ScoreRow]("оценки заявок и из чего они сложились", "scores of leads, and what they are made of"),
		goldTableOf[schema.ModelRow]("из чего сложена ценность клиента, параметры прогнозов и их проверка на прошлом", "what the lifetime value is made of, parameters of the predictions and their test on the past"),
		goldTableOf[schema.OtherRevenueRow]("деньги в валютах без курса", "money in currencies without a rate"),
		goldTableOf[schema.LinkRow]("почему записи считаются одним клиентом", "why records are one client"),
		goldTableOf[schema.QualityRow]("что известно о базе и что не прочитано", "what is known of the base and what could not be read"),
		goldTableOf[schema.MergeRow]("клиенты из нескольких записей: что объединено", "clients made of several records: what was merged"),
		goldTableOf[schema.LedgerRow]("сколько строк получено и чем они стали", "how many rows came and what became of them"),
		goldTableOf[schema.FunnelRow]("воронка: этапы, конверсии, стоимость", "the funnel: stages, conversions, costs"),
		goldTableOf[schema.SourceRow]("источники и кампании: заявки, клиенты, выручка, расходы", "sources and campaigns: leads, clients, revenue, costs"),
		goldTableOf[schema.EffectRow]("что изменили выгрузки: выгруженные против удержанных", "what exports have changed: those exported against those held out"),
		goldTableOf[schema.BaseRow]("базы по интересам: клиенты и возможные клиенты", "bases of each interest: clients and potential clients"),
	}
}

// renderedTable is a table of a run in both of its forms.
type renderedTable struct {
	goldTable

	rows         int64
	text, packed []byte
}

// renderTables makes both forms of every table of a run.
func renderTables(ctx context.Context, store objstore.Store, run *lake.Run) ([]renderedTable, error) {
	var tables []renderedTable
	for _, table := range goldTables() {
		known, ok := run.Tables[table.name]
		if !ok {
			continue
		}
		body, _, err := store.Get(ctx, known.Key)
		if err != nil {
			return nil, err
		}
		text, rows, err := table.csv(body)
		if err != nil {
			return nil, err
		}
		tables = append(tables, renderedTable{goldTable: table, rows: rows, text: text, packed: body})
	}
	if left := len(run.Tables) - len(tables); left > 0 {
		return nil, fmt.Errorf("report: %d tables of the night have no form in CSV", left) // goldTables must name a new table
	}
	return tables, nil
}

func goldTableOf[T schema.Row](ru, en string) goldTable {
	var row T
	return goldTable{name: row.Table(), about: portal.Text{RU: ru, EN: en}, csv: tableCSV[T]}
}

// tableCSV writes the rows of a Parquet file as CSV: UTF-8, comma, a header row.
// Lists are joined by ";", maps are key=value joined by ";", unknown is empty.
func tableCSV[T schema.Row](parquet []byte) (file []byte, count int64, err error) {
	rows, err := schema.Decode[T](parquet)
	if err != nil {
		return nil, 0, err
	}
	t := reflect.TypeFor[T]()
	record := make([]string, t.NumField())
	for i := range record {
		record[i], _, _ = strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.Write(record); err != nil {
		return nil, 0, err
	}
	for i := range rows {
		value := reflect.ValueOf(&rows[i]).Elem()
		for j := range record {
			if record[j], err = cell(value.Field(j)); err != nil {
				return nil, 0, fmt.Errorf("table %s, column %s: %w", rows[i].Table(), t.Field(j).Name, err)
			}
		}
		if err := w.Write(record); err != nil {
			return nil, 0, err
		}
	}
	w.Flush()
	return out.Bytes(), int64(len(rows)), w.Error()
}

func cell(v reflect.Value) (string, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "", nil
		}
		return cell(v.Elem())
	case reflect.String:
		return v.String(), nil
	case reflect.Int64, reflect.Int32, reflect.Int:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			part, err := cell(v.Index(i))
			if err != nil {
				return "", err
			}
			parts[i] = part
		}
		return strings.Join(parts, ";"), nil
	case reflect.Struct:
		if at, ok := reflect.TypeAssert[time.Time](v); ok {
			return at.UTC().Format(time.RFC3339Nano), nil
		}
		if m, ok := reflect.TypeAssert[schema.Map](v); ok {
			parts := make([]string, len(m.Pairs))
			for i, p := range m.Pairs {
				parts[i] = p.Key + "=" + p.Value
			}
			return strings.Join(parts, ";"), nil
		}
	}
	return "", fmt.Errorf("type %s has no form in CSV", v.Type())
}
