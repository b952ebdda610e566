package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/leadlake/leadlake/lib/audience"
	"github.com/leadlake/leadlake/lib/portal"
)

func TestGuidesStandBesideTheFiles(t *testing.T) {
	auth := newAuth(t, newClock().now)
	p, _ := newPortal(t, night(60, plainNames), func(c *portal.Config, _ *reader) { c.Auth, c.Now, c.Accounts = auth, newClock().now, nil })
	marketer := withCookie(tokenCookie(t, auth, "boris", portal.Marketer))
	files := ask(p, "GET", "/exports", marketer).Body
	for _, key := range []string{"yandex", "vk", "google"} { // those that the night has files for
		if !strings.Contains(files, `href="/exports/guides/`+key+`"`) {
			t.Errorf("the page of files does not lead to the guide to %s", key)
		}
	}
	for _, language := range audience.GuideLanguages() {
		for _, platform := range audience.Platforms() {
			answer := ask(p, "GET", "/exports/guides/"+platform.Key, marketer, inLanguage(language))
			guide, _ := audience.GuideTo(platform.Key, language)
			if answer.StatusCode != http.StatusOK || !strings.Contains(answer.Body, "<h1>"+guide.Title+"</h1>") || !strings.Contains(answer.Body, "<pre><code") {
				t.Errorf("the guide to %s in %s = %d, with no title or no lines of a file", platform.Key, language, answer.StatusCode)
			}
			shape(t, answer.Body) // no script, no style, no handler
			if strings.Contains(answer.Body, "<script") {
				t.Errorf("the guide to %s has a script", platform.Key)
			}
		}
	}
	for _, path := range []string{"/exports/guides/fax", "/exports/guides/index", "/exports/guides/..%2fvk"} {
		if got := ask(p, "GET", path, marketer).StatusCode; got != http.StatusNotFound {
			t.Errorf("%s = %d, want 404", path, got)
		}
	}
}

func TestGuidesNeedNoNight(t *testing.T) {
	auth := newAuth(t, newClock().now)
	p, _ := newPortal(t, nil, func(c *portal.Config, r *reader) {
		c.Auth, c.Now, c.Accounts, r.err = auth, newClock().now, nil, portal.ErrNoNight
	})
	owner := withCookie(tokenCookie(t, auth, "olga", portal.Owner))
	for _, path := range []string{"/exports/guides", "/exports/guides/vk"} {
		if answer := ask(p, "GET", path, owner); answer.StatusCode != http.StatusOK || !strings.Contains(answer.Body, "<h2>") {
			t.Errorf("%s before the first night = %d", path, answer.StatusCode)
		}
	}
}
