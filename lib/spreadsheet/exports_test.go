package spreadsheet_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lib/spreadsheet"
)

// TestKnownExports holds which columns are recognised in tables laid out as shops,
// CRMs and advertising cabinets lay them out, without any option but the currency.
func TestKnownExports(t *testing.T) {
	tests := []struct {
		name, text, mapping, want string
	}{
		{
			"retail CRM orders", "Номер;Дата оформления;Покупатель;Телефон;E-mail;Город;Сумма;Статус заказа;Менеджер\nA1;21.11.2026 10:00;Проверкина Анна;+79995551111;probe@example.com;Тверь;100,00;Выполнен;Ольга\n", "",
			"orders: phone=4 email=5 name=3 city=6 date=2 order_id=1 amount=7 status=8 manager=9",
		},
		{
			"amoCRM deals", "ID,Название сделки,Компания,Основной контакт,Ответственный,Этап сделки,\"Бюджет, ₽\",Дата создания,Рабочий телефон,Рабочий email\n7,Сделка,,Проверкин Олег,Ольга,Успешно,5000,21.11.2026 10:00:00,'+79995551111,\n", "",
			"orders: phone=9 email=10 name=4 company=3 date=8 order_id=1 amount=7 status=6 manager=5",
		},
		{
			"Bitrix24 leads", "ID;Стадия;Имя;Фамилия;Рабочий телефон;Частный e-mail;Источник;Дата создания;Ответственный;Комментарий\n7;Новый;Анна;Проверкина;89995551111;;Сайт;21.11.2026 10:00;Ольга;\n", "",
			"leads: phone=5 email=6 first_name=3 last_name=4 date=8 lead_id=1 stage=2 source=7 manager=9 comment=10",
		},
		{
			"1C sales", "Дата;Номер;Контрагент;Код контрагента;Номенклатура;Количество;Цена;Сумма;Валюта\n21.11.2026;Р-1;ООО \"Проба\";000017;Кофе;2,000;150,50;301,00;руб.\n", "",
			"orders: client=4 name=3 date=1 order_id=2 amount=8 currency=9 item=5 quantity=6 price=7",
		},
		{
			"retail lines without a sum", "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n536365,85123A,LAMP,6,12/14/2010 8:26,2.55,17850,UK\n", "",
			"orders: client=7 country=8 date=5 order_id=1 item=3 sku=2 quantity=4 price=6",
		},
		{
			"Yandex Direct", "Отчёт\nДата\tКампания\tПоказы\tКлики\tРасход (руб.)\n21.11.2026\tbrand\t100\t7\t250,10\n", "source==yandex",
			"costs: date=1 amount=5 source=0 campaign=2 clicks=4 impressions=3",
		},
		{
			"VK Ads", "Дата;Название кампании;Потрачено, ₽;Показы;Клики\n2026-11-21;brand;250.10;100;7\n", "source==vk",
			"costs: date=1 amount=3 source=0 campaign=2 clicks=5 impressions=4",
		},
		{"one column of phones", "Телефон\n+7 999 555 11 11\n+7 999 555 22 22\n", "", "leads: phone=1"},
		{"plain columns of blanks", "customer_id date number_of_cds dollar_value\n00001 19970101 1 11.77\n00002 19970112 1 12.00\n", "", "orders: client=1 date=2 amount=4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := mustOpen(t, tt.text, spreadsheet.Options{Currency: "RUB", Map: mapping(t, tt.mapping)})
			got := []string{string(table.Kind) + ":"}
			for _, c := range table.Columns {
				got = append(got, fmt.Sprintf("%s=%d", c.Field, c.Index+1))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("columns differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLinesWithoutSum: 6 × 2.55 = 15.30, and the description says how it was made.
func TestLinesWithoutSum(t *testing.T) {
	text := "InvoiceNo,Quantity,InvoiceDate,UnitPrice,CustomerID\n1,6,12/14/2010 8:26,2.55,17850\n1,,12/14/2010 8:26,2.55,17850\n"
	table := mustOpen(t, text, spreadsheet.Options{Currency: "GBP"})
	rows, faults := orders(t, table)
	if len(rows) != 1 || rows[0].Amount.Minor != 1530 || !rows[0].FromLine || rows[0].Price.Minor != 255 || rows[0].Quantity != "6" {
		t.Errorf("orders = %+v", rows)
	}
	if len(faults) != 1 || !strings.Contains(faults[0], `row 3, column "Quantity"`) {
		t.Errorf("faults = %q", faults)
	}
	if !strings.Contains(table.Describe("en"), "amount = price × quantity of each row") {
		t.Errorf("description says nothing of the sum:\n%s", table.Describe("en"))
	}
}
