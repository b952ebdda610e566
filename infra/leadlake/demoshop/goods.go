package demoshop

import (
	"math/rand/v2"
	"strconv"

	"github.com/leadlake/leadlake/lib/event"
	"github.com/leadlake/leadlake/lib/money"
)

// Categories of the catalogue.
const (
	coffee       = "кофе"
	tea          = "чай"
	bakery       = "выпечка"
	dessert      = "десерты"
	ware         = "посуда"
	subscription = "подписка"
)

// good is one line of the price list; price in kopecks.
type good struct {
	sku, name, category string
	price               int64
	counter             bool // sold over the counter, else by post
}

func catalogue() []good {
	return []good{
		{"K-01", "Эспрессо", coffee, 160_00, true},
		{"K-02", "Американо", coffee, 190_00, true},
		{"K-03", "Капучино", coffee, 250_00, true},
		{"K-04", "Латте", coffee, 270_00, true},
		{"K-05", "Флэт уайт", coffee, 280_00, true},
		{"K-06", "Раф ванильный", coffee, 320_00, true},
		{"K-07", "Фильтр-кофе", coffee, 220_00, true},
		{"K-11", "Бразилия Серрадо, 250 г", coffee, 690_00, false},
		{"K-12", "Колумбия Уила, 250 г", coffee, 820_00, false},
		{"K-13", "Эфиопия Иргачеффе, 250 г", coffee, 890_00, false},
		{"K-14", "Кения АА, 250 г", coffee, 990_00, false},
		{"K-15", "Смесь «Зерно», 1 кг", coffee, 2490_00, false},
		{"K-16", "Без кофеина, 250 г", coffee, 790_00, false},
		{"K-17", "Дрип-пакеты, 10 шт.", coffee, 650_00, false},
		{"T-01", "Чай чёрный, чайник", tea, 290_00, true},
		{"T-02", "Чай облепиховый", tea, 340_00, true},
		{"T-03", "Матча латте", tea, 330_00, true},
		{"T-11", "Улун молочный, 100 г", tea, 620_00, false},
		{"T-12", "Сенча, 100 г", tea, 540_00, false},
		{"T-13", "Иван-чай с чабрецом, 100 г", tea, 390_00, false},
		{"T-14", "Пуэр, 100 г", tea, 760_00, false},
		{"V-01", "Круассан", bakery, 180_00, true},
		{"V-02", "Круассан с миндалём", bakery, 260_00, true},
		{"V-03", "Булочка с корицей", bakery, 190_00, true},
		{"V-04", "Киш с лососем", bakery, 310_00, true},
		{"V-05", "Сэндвич с индейкой", bakery, 350_00, true},
		{"V-06", "Хлеб на закваске", bakery, 240_00, true},
		{"D-01", "Чизкейк", dessert, 330_00, true},
		{"D-02", "Медовик", dessert, 310_00, true},
		{"D-03", "Эклер", dessert, 210_00, true},
		{"D-04", "Тирамису", dessert, 360_00, true},
		{"D-11", "Шоколад тёмный, 70 г", dessert, 280_00, false},
		{"D-12", "Набор конфет", dessert, 1190_00, false},
		{"P-01", "Кружка «Зерно»", ware, 790_00, false},
		{"P-02", "Термокружка", ware, 1890_00, false},
		{"P-03", "Френч-пресс", ware, 2690_00, false},
		{"P-04", "Воронка и фильтры", ware, 1490_00, false},
		{"P-05", "Кофемолка ручная", ware, 6900_00, false},
		{"P-06", "Сервиз на шесть персон", ware, 18900_00, false},
		{"S-01", "Подписка на зерно, месяц", subscription, 1690_00, false},
		{"S-02", "Подписка на зерно, год", subscription, 16900_00, false},
	}
}

// shelf draws goods: by category, and how often each category is asked for.
type shelf struct {
	counter, post map[string][]good
	cheap         []good
}

func newShelf() shelf {
	s := shelf{counter: map[string][]good{}, post: map[string][]good{}}
	for _, g := range catalogue() {
		if g.counter && g.price < 200_00 {
			s.cheap = append(s.cheap, g)
		}
		if g.counter {
			s.counter[g.category] = append(s.counter[g.category], g)
		} else {
			s.post[g.category] = append(s.post[g.category], g)
		}
	}
	return s
}

// basket is what somebody who likes a category puts together, in a currency whose
// unit is worth rate roubles. The lines' sums add up to the amount returned.
func (s shelf) basket(rng *rand.Rand, taste string, counter bool, currency string, rate int64) ([]event.Item, int64) {
	var chosen []good
	if counter {
		chosen = s.atCounter(rng, taste)
	} else {
		chosen = s.byPost(rng, taste)
	}
	return priced(rng, chosen, currency, rate)
}

// priced makes order lines of goods.
func priced(rng *rand.Rand, chosen []good, currency string, rate int64) ([]event.Item, int64) {
	items := make([]event.Item, 0, len(chosen))
	var total int64
	for _, g := range chosen {
		quantity := int64(1)
		if g.price < 1000_00 && rng.IntN(5) == 0 {
			quantity = 2 + rng.Int64N(2)
		}
		price := g.price / rate
		sum := price * quantity
		if rng.IntN(20) == 0 {
			sum -= sum / 100 * 5 // the loyalty discount stands in the line's sum only
		}
		item := event.Item{
			SKU: g.sku, Name: g.name, Category: g.category, Quantity: strconv.FormatInt(quantity, 10),
			Price: money.Decimal(price, currency), Sum: money.Decimal(sum, currency),
		}
		items = append(items, item)
		total += sum
	}
	return items, total
}

func (s shelf) atCounter(rng *rand.Rand, taste string) []good {
	drink := coffee
	if taste == tea || rng.IntN(8) == 0 {
		drink = tea
	}
	chosen := []good{pick(rng, s.counter[drink])}
	if taste == bakery || rng.IntN(100) < 35 { // drinks and pastry go together: the basket analysis must see it
		chosen = append(chosen, pick(rng, s.counter[bakery]))
	}
	if taste == dessert || rng.IntN(100) < 15 {
		chosen = append(chosen, pick(rng, s.counter[dessert]))
	}
	return chosen
}

func (s shelf) byPost(rng *rand.Rand, taste string) []good {
	category := coffee
	switch x := rng.IntN(100); {
	case x < 45 && len(s.post[taste]) > 0:
		category = taste
	case x < 60:
		category = tea
	case x < 68:
		category = ware
	case x < 73:
		category = dessert
	case x < 76:
		category = subscription
	}
	chosen := []good{pick(rng, s.post[category])}
	for len(chosen) < 4 && rng.IntN(100) < 38 {
		next := pick(rng, s.post[[...]string{coffee, coffee, tea, dessert, ware}[rng.IntN(5)]])
		if next.price > 6000_00 || next.sku == chosen[len(chosen)-1].sku {
			break
		}
		chosen = append(chosen, next)
	}
	return chosen
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }
