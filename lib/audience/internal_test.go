package audience

import (
	"errors"
	"strings"
	"testing"
)

// The rules behind Write cannot be broken from outside, so these two look inside.

func TestSelfTestNoticesAChangedRule(t *testing.T) {
	for _, p := range Platforms() {
		if err := p.selfTest(); err != nil {
			t.Errorf("%s: %v", p.Key, err)
		}
		if !p.Human && len(p.known) < 2 {
			t.Errorf("%s has %d known answers, want one for phones and one for e-mails", p.Key, len(p.known))
		}
	}
	for name, broken := range map[string]knownAnswer{
		"hash":   {"phone", "+79995551111", "79995551111", strings.Repeat("0", 64)},
		"form":   {"phone", "+79995551111", "+79995551111", SHA256.Sum("79995551111")},
		"field":  {"shoe_size", "42", "42", ""},
		"refuse": {"phone", "none", "", ""},
	} {
		p := yandex()
		p.known = append(p.known, broken)
		if err := p.selfTest(); !errors.Is(err, ErrSelfTest) {
			t.Errorf("%s: selfTest = %v, want ErrSelfTest", name, err)
		}
	}
}

func TestLimitsAreInclusive(t *testing.T) {
	p := vk()
	spec := p.layout(&Request{}).files[0]
	for _, c := range []struct {
		rows int
		size int64
		want string
	}{
		{0, 0, RefusedNoRows},
		{vkMinRows - 1, 1, RefusedTooSmall},
		{vkMinRows, 1, ""},
		{vkMaxRows, vkMaxBytes, ""},
		{vkMaxRows + 1, 1, RefusedTooLarge},
		{vkMinRows, vkMaxBytes + 1, RefusedTooLarge},
	} {
		got := ""
		if refused := refuse(&p, &spec, c.rows, c.size); refused != nil {
			got = refused.Reason
		}
		if got != c.want {
			t.Errorf("refuse(%d rows, %d bytes) = %q, want %q", c.rows, c.size, got, c.want)
		}
	}
}
