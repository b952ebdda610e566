package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/leadlake/leadlake/lib/identity"
)

func today() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func TestBirthDatesHaveOneNormalForm(t *testing.T) {
	for raw, want := range map[string]identity.BirthDate{
		"01.02.1990": "1990-02-01", "1.2.1990": "1990-02-01", " 01.02.1990 г.": "1990-02-01", "01.02.1990г.р.": "1990-02-01", "1. 2. 1990": "1990-02-01",
		"1990-02-01": "1990-02-01", "1990/02/01": "1990-02-01", "1990.02.01": "1990-02-01", "19900201": "1990-02-01", "01021990": "1990-02-01",
		"1990-02-01T00:00:00Z": "1990-02-01", "1990-02-01T00:00:00.000Z": "1990-02-01", "1990-02-01 00:00:00": "1990-02-01", "1990-02-01T03:00:00+03:00": "1990-02-01",
		"01.02.1990 0:00:00": "1990-02-01", "1990-02-01T12:00:00Z": "1990-02-01",
		"1 февраля 1990": "1990-02-01", "1 Февраля 1990 года": "1990-02-01", "1 фев. 1990": "1990-02-01", "1 Feb 1990": "1990-02-01", "Feb 1, 1990": "1990-02-01",
		"February 1st, 1990": "1990-02-01", "1-го февраля 1990": "1990-02-01", "1-feb-90": "1990-02-01",
		// slashes and dashes only where one order is impossible
		"13/01/1990": "1990-01-13", "01/13/1990": "1990-01-13", "02/02/1990": "1990-02-02", "31-12-1990": "1990-12-31", "05/12/2026": "2026-05-12",
		// two digits: the one year that makes an age of 14 to 100
		"1.2.90": "1990-02-01", "1.2.05": "2005-02-01", "1.2.12": "2012-02-01", "1.2.26": "1926-02-01", "1.2.00": "2000-02-01",
		// no year
		"01.02": "--02-01", "1.2.": "--02-01", "--02-01": "--02-01", "--0201": "--02-01", "1 февраля": "--02-01", "Feb 1": "--02-01", "0000-02-01": "--02-01",
		"13/01": "--01-13", "29.02": "--02-29", "--02-29": "--02-29",
		// leap years, the last day of 120 years, today
		"29.02.2000": "2000-02-29", "29 февраля 1992": "1992-02-29", "23.11.1906": "1906-11-23", "22.11.2026": "2026-11-22", "02.01.1970": "1970-01-02",
	} {
		got, err := identity.ParseBirthDate(raw, today())
		if err != nil || got != want {
			t.Errorf("ParseBirthDate(%q) = %q, %v, want %q", raw, string(got), err, string(want))
		}
		if again, err := identity.ParseBirthDate(string(want), today()); err != nil || again != want {
			t.Errorf("ParseBirthDate(%q) = %q, %v, want itself", string(want), string(again), err)
		}
	}
}

func TestWhatIsNoDateOfBirthIsRefusedWithItsReason(t *testing.T) {
	for raw, want := range map[string]error{
		"": identity.ErrBirthForm, "нет": identity.ErrBirthForm, "1990": identity.ErrBirthForm, "февраль 1990": identity.ErrBirthForm, "32905": identity.ErrBirthForm,
		"633830400": identity.ErrBirthForm, "1.2.3.4": identity.ErrBirthForm, "1 февраля марта 1990": identity.ErrBirthForm, "10:30": identity.ErrBirthForm,
		"+1.2.1990": identity.ErrBirthForm, "01.02.1990 в 7:00": identity.ErrBirthForm,
		"02/01/1990": identity.ErrBirthAmbiguous, "01-02-1990": identity.ErrBirthAmbiguous, "02/01": identity.ErrBirthAmbiguous, "01-02-03": identity.ErrBirthAmbiguous,
		"1.2.13": identity.ErrBirthAmbiguous, "1.2.25": identity.ErrBirthAmbiguous, "1990-01-31T21:00:00Z": identity.ErrBirthAmbiguous,
		"29.02.1990": identity.ErrBirthImpossible, "1990-02-29": identity.ErrBirthImpossible, "1900-02-29": identity.ErrBirthImpossible, "31.04.1990": identity.ErrBirthImpossible,
		"32.01.1990": identity.ErrBirthImpossible, "00.01.1990": identity.ErrBirthImpossible, "30 февраля": identity.ErrBirthImpossible, "31/02/1990": identity.ErrBirthImpossible,
		"23.11.2026": identity.ErrBirthFuture, "2030-01-01": identity.ErrBirthFuture,
		"22.11.1906": identity.ErrBirthTooOld, "01.01.1901": identity.ErrBirthTooOld, "0990-02-01": identity.ErrBirthTooOld,
		"01.01.1900": identity.ErrBirthFiller, "1900-01-01T00:00:00Z": identity.ErrBirthFiller, "1970-01-01": identity.ErrBirthFiller, "1.1.70": identity.ErrBirthFiller,
		"0000-00-00": identity.ErrBirthFiller, "0001-01-01": identity.ErrBirthFiller, "0000-00-00 00:00:00": identity.ErrBirthFiller,
	} {
		if got, err := identity.ParseBirthDate(raw, today()); !errors.Is(err, want) || got != "" {
			t.Errorf("ParseBirthDate(%q) = %q, %v, want %v", raw, string(got), err, want)
		}
	}
}

func TestWithoutTodayNeitherFutureNorAgeIsJudged(t *testing.T) {
	for raw, want := range map[string]identity.BirthDate{"01.02.2090": "2090-02-01", "01.02.1890": "1890-02-01"} {
		if got, err := identity.ParseBirthDate(raw, time.Time{}); err != nil || got != want {
			t.Errorf("ParseBirthDate(%q) = %q, %v, want %q", raw, string(got), err, string(want))
		}
	}
	if _, err := identity.ParseBirthDate("1.2.90", time.Time{}); !errors.Is(err, identity.ErrBirthAmbiguous) {
		t.Errorf("a year of two digits without today: %v, want %v", err, identity.ErrBirthAmbiguous)
	}
}

// Every day of a hundred years reads the same in all forms that name it clearly.
func TestEveryDayReadsTheSameInEveryForm(t *testing.T) {
	for day := time.Date(1910, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2010; day = day.AddDate(0, 0, 1) {
		want := day.Format(time.DateOnly)
		if want == "1970-01-01" {
			continue
		}
		for _, layout := range []string{"02.01.2006", "2.1.2006", "2006/01/02", "20060102", "02012006", "2 January 2006", "Jan 2, 2006", time.RFC3339} {
			if got, err := identity.ParseBirthDate(day.Format(layout), today()); err != nil || string(got) != want {
				t.Fatalf("ParseBirthDate(%q) = %q, %v, want %q", day.Format(layout), string(got), err, want)
			}
		}
	}
}

func FuzzParseBirthDate(f *testing.F) {
	for _, raw := range []string{"01.02.1990", "1 февраля 1990 г.", "1990-02-01T00:00:00Z", "13/01", "--02-29", "1.2.90", "0000-02-01"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		date, err := identity.ParseBirthDate(raw, today())
		if (err == nil) != (date != "") {
			t.Fatalf("ParseBirthDate(%q) = %q, %v", raw, string(date), err)
		}
		if err == nil {
			if again, err := identity.ParseBirthDate(string(date), today()); err != nil || again != date {
				t.Errorf("ParseBirthDate(%q) = %q, and that read again %q, %v", raw, string(date), string(again), err)
			}
		}
	})
}
