package pipeline_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/config"
	"github.com/leadlake/leadlake/lib/pipeline"
)

// BenchmarkReadSheet reads orders of 220 bytes each, as the import does before it
// stores them.
func BenchmarkReadSheet(b *testing.B) {
	const rows = 20_000
	var text strings.Builder
	text.WriteString("Номер заказа;Дата заказа;Покупатель;Телефон;E-mail;Товар;Сумма, руб.;Статус;Город;Комментарий\r\n")
	for i := range rows {
		fmt.Fprintf(&text, "%d;%02d.%02d.2025 %02d:00:00;Анна Иванова;8 916 %03d-%02d-%02d;c%d@kofe.ru;Набор инструментов №%d;%d,%02d;Выполнен;Нижний Новгород;позвонить заранее, оплата картой на месте\r\n",
			i, i%28+1, i%12+1, i%24, i%1000, i%97, i%89, i, i%500, 1000+i, i%100)
	}
	body := []byte(text.String())
	cfg, err := config.Parse(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		sheet := pipeline.Sheet{Kind: "orders", Name: "orders.csv", Bytes: bytes.NewReader(body), Size: int64(len(body)), Key: []byte("key")}
		table, err := pipeline.OpenSheet(cfg, sheet)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		if err := pipeline.ReadSheet(cfg, sheet, table, func(pipeline.SheetDelivery) error { n++; return nil }); err != nil || n != rows {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
