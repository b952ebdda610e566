package money_test

import (
	"errors"
	"math"
	"testing"

	"github.com/leadlake/leadlake/lib/money"
)

func TestParseReadsMachineDecimals(t *testing.T) {
	for _, c := range []struct {
		in, currency string
		want         int64
	}{
		{"8270.00", "RUB", 827000},
		{"8270", "RUB", 827000},
		{"8270.0", "RUB", 827000},
		{"-12.5", "RUB", -1250},
		{"+.5", "RUB", 50},
		{"1.", "RUB", 100},
		{"0.005", "RUB", 1}, // half away from zero
		{"0.004", "RUB", 0},
		{"-0.005", "RUB", -1},
		{"1500", "JPY", 1500},
		{"1.2345", "KWD", 1235},
		{" 7 ", "USD", 700},
	} {
		got, err := money.Parse(c.in, c.currency)
		if err != nil || got.Minor != c.want {
			t.Errorf("Parse(%q, %s) = %v, %v, want %d", c.in, c.currency, got.Minor, err, c.want)
		}
	}
	for _, in := range []string{"", " ", "-", ".", "1e3", "1,5", "12 000", "NaN", "0x10", "99999999999999999999", "1..2", "--1"} {
		if _, err := money.Parse(in, "RUB"); !errors.Is(err, money.ErrInvalid) {
			t.Errorf("Parse(%q) error = %v, want ErrInvalid", in, err)
		}
	}
}

func TestDecimalIsReadBack(t *testing.T) {
	for _, minor := range []int64{0, 1, -1, 99, 100, -100, 827000, math.MaxInt64 - 1, math.MinInt64 + 2} {
		for _, currency := range []string{"RUB", "JPY", "KWD"} {
			text := money.Decimal(minor, currency)
			got, err := money.Parse(text, currency)
			if err != nil || got.Minor != minor {
				t.Errorf("Parse(Decimal(%d, %s) = %q) = %d, %v", minor, currency, text, got.Minor, err)
			}
		}
	}
	if got := money.Decimal(math.MinInt64, "JPY"); got != "-9223372036854775808" {
		t.Errorf("Decimal(MinInt64) = %s", got)
	}
}

func TestConvertRoundsHalfAwayFromZero(t *testing.T) {
	rate, err := money.ParseRate("90.505")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		minor    int64
		from, to string
		want     int64
	}{
		{100, "USD", "RUB", 9051}, // 1.00 × 90.505 = 90.505 → 90.51
		{-100, "USD", "RUB", -9051},
		{1, "JPY", "RUB", 9051},
		{1000, "KWD", "RUB", 9051},
		{0, "USD", "RUB", 0},
	} {
		if got, err := rate.Convert(c.minor, c.from, c.to); err != nil || got != c.want {
			t.Errorf("Convert(%d %s→%s) = %d, %v, want %d", c.minor, c.from, c.to, got, err, c.want)
		}
	}
	if _, err := rate.Convert(math.MaxInt64, "USD", "RUB"); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("Convert(MaxInt64) error = %v, want ErrOverflow", err)
	}
	for _, in := range []string{"", "0", "-1", "1/3", "1e2", "ninety"} {
		if _, err := money.ParseRate(in); !errors.Is(err, money.ErrInvalid) {
			t.Errorf("ParseRate(%q) error = %v, want ErrInvalid", in, err)
		}
	}
}

func TestCodeKnowsSignsAndTheOldRouble(t *testing.T) {
	for in, want := range map[string]string{"rub": "RUB", "RUR": "RUB", "руб.": "RUB", "₽": "RUB", " usd ": "USD", "€": "EUR"} {
		if got, ok := money.Code(in); !ok || got != want {
			t.Errorf("Code(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "RU", "RUBL", "12A", "дол"} {
		if got, ok := money.Code(in); ok {
			t.Errorf("Code(%q) = %q, want none", in, got)
		}
	}
}

func TestTimesRoundsHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		quantity string
		want     int64
	}{{25000, "2", 50000}, {333, "0.5", 167}, {-333, "0.5", -167}, {999, "0", 0}, {100, "1.005", 101}} {
		if got, err := money.Times(c.minor, c.quantity); err != nil || got != c.want {
			t.Errorf("Times(%d, %q) = %d, %v, want %d", c.minor, c.quantity, got, err, c.want)
		}
	}
	for _, quantity := range []string{"", "1e2", "a", "1/2"} {
		if _, err := money.Times(1, quantity); !errors.Is(err, money.ErrInvalid) {
			t.Errorf("Times(1, %q) error = %v, want ErrInvalid", quantity, err)
		}
	}
}
