package portal_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/leadlake/leadlake/lib/portal"
)

// cheapAccounts takes the password "right" of some names, without its cost.
type cheapAccounts struct{}

func (cheapAccounts) Verify(_ context.Context, name, secret string) (portal.Account, error) {
	if secret != "right" {
		return portal.Account{}, portal.ErrSignIn
	}
	return cheapAccounts{}.Current(context.Background(), name)
}

func (cheapAccounts) Current(_ context.Context, name string) (portal.Account, error) {
	role, ok := map[string]portal.Role{"olga": portal.Owner, "mark": portal.Marketer, "dina": portal.Developer}[name]
	if !ok {
		return portal.Account{}, portal.ErrAccount
	}
	return portal.Account{Name: name, Role: role}, nil
}

func TestUsersRoundTrip(t *testing.T) {
	users := newUsers(t)
	b, err := users.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := portal.ParseUsers(b)
	if err != nil {
		t.Fatal(err)
	}
	if b2, err := again.Marshal(); err != nil || string(b2) != string(b) {
		t.Errorf("Marshal after ParseUsers differs, %v", err)
	}
	if strings.Contains(string(b), password) || !strings.Contains(string(b), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error("the file holds no argon2id hash of the agreed cost")
	}
	account, err := again.Verify(t.Context(), "Anna", password)
	if err != nil || account.Role != portal.Analyst {
		t.Errorf("Verify = %+v, %v", account, err)
	}
	empty, err := portal.ParseUsers(nil)
	if err != nil || empty.Len() != 0 {
		t.Errorf("ParseUsers(nil) = %v, %v", empty, err)
	}
}

func TestUsersRefuse(t *testing.T) {
	users := newUsers(t)
	for name, err := range map[string]struct{ got, want error }{
		"a taken name":        {users.Add("OLGA", portal.Owner, password, asOf), portal.ErrExists},
		"a name with a slash": {users.Add("a/b", portal.Owner, password, asOf), portal.ErrName},
		"no name":             {users.Add(" ", portal.Owner, password, asOf), portal.ErrName},
		"an unknown role":     {users.Add("new", "king", password, asOf), portal.ErrRole},
		"a short password":    {users.Add("new", portal.Owner, "1234567", asOf), portal.ErrPassword},
		"a long password":     {users.Add("new", portal.Owner, strings.Repeat("x", 257), asOf), portal.ErrPassword},
		"nobody's password":   {users.SetPassword("ghost", password, asOf), portal.ErrAccount},
		"nobody's end":        {users.Disable("ghost", asOf), portal.ErrAccount},
	} {
		if !errors.Is(err.got, err.want) {
			t.Errorf("%s: %v, want %v", name, err.got, err.want)
		}
	}
	for name, file := range map[string]string{
		"not JSON": "x", "another version": `{"version":2}`, "no hash": `{"version":1,"users":[{"name":"a","role":"owner","hash":"x"}]}`,
	} {
		if _, err := portal.ParseUsers([]byte(file)); !errors.Is(err, portal.ErrUsers) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := users.Verify(t.Context(), "ghost", password); !errors.Is(err, portal.ErrSignIn) {
		t.Errorf("an unknown name: %v", err)
	}
	if _, err := users.Verify(t.Context(), "olga", strings.Repeat("x", 100_000)); !errors.Is(err, portal.ErrSignIn) {
		t.Errorf("an endless password: %v", err)
	}
}

// An unknown name costs one hash too, so that time does not tell it from a known one.
func TestUnknownNameDoesTheSameWork(t *testing.T) {
	users := newUsers(t)
	cost := func(name string) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			_, _ = users.Verify(t.Context(), name, "wrong password")
			best = min(best, time.Since(start))
		}
		return best
	}
	known, unknown := cost("olga"), cost("ghost")
	if unknown < known/3 || known < unknown/3 {
		t.Errorf("a known name takes %v, an unknown one %v", known, unknown)
	}
}

func TestAuthRefusesForeignTokens(t *testing.T) {
	clock := newClock()
	auth := newAuth(t, clock.now)
	sign := func(key any, algorithm jose.SignatureAlgorithm, change func(map[string]any)) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		now := clock.now().Unix()
		claims := map[string]any{
			"iss": "https://leadlake.test", "aud": "portal", "sub": "olga", "jti": "1", "iat": now, "exp": now + 3600,
			"token_use": "id", "cognito:groups": []string{"owner"},
		}
		change(claims)
		token, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	same := func(map[string]any) {}
	own := signingKey(0)
	set := func(key string, value any) func(map[string]any) { return func(m map[string]any) { m[key] = value } }
	who, err := auth.Verify(t.Context(), sign(own, jose.EdDSA, same))
	if err != nil || who.Name != "olga" || who.Role != portal.Owner || who.TokenID != "1" {
		t.Fatalf("own token = %+v, %v", who, err)
	}
	whole := sign(own, jose.EdDSA, same)
	for name, token := range map[string]string{
		"a foreign key":         sign(signingKey(1), jose.EdDSA, same),
		"another algorithm":     sign([]byte(own.Public().(ed25519.PublicKey)), jose.HS256, same),
		"another issuer":        sign(own, jose.EdDSA, set("iss", "https://evil.example")),
		"another audience":      sign(own, jose.EdDSA, set("aud", "shop")),
		"an access token":       sign(own, jose.EdDSA, set("token_use", "access")),
		"no use":                sign(own, jose.EdDSA, func(m map[string]any) { delete(m, "token_use") }),
		"expired":               sign(own, jose.EdDSA, set("exp", clock.now().Unix()-1)),
		"a life of a day":       sign(own, jose.EdDSA, set("exp", clock.now().Unix()+86400)),
		"no id":                 sign(own, jose.EdDSA, func(m map[string]any) { delete(m, "jti") }),
		"no subject":            sign(own, jose.EdDSA, func(m map[string]any) { delete(m, "sub") }),
		"no time of issue":      sign(own, jose.EdDSA, func(m map[string]any) { delete(m, "iat") }),
		"unsigned":              "eyJhbGciOiJub25lIn0." + strings.Split(whole, ".")[1] + ".",
		"a changed signature":   whole[:len(whole)-4] + "AAAA",
		"nothing":               "",
		"something else at all": "a.b.c",
	} {
		if _, err := auth.Verify(t.Context(), token); !errors.Is(err, portal.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	none, err := auth.Verify(t.Context(), sign(own, jose.EdDSA, set("cognito:groups", []string{"king"})))
	if err != nil || none.Role != "" {
		t.Errorf("an unknown group = %+v, %v", none, err)
	}
}

func TestAuthAcceptsTheOldKeyWhileItIsChanged(t *testing.T) {
	clock := newClock()
	old := newAuth(t, clock.now)
	token, _, err := old.Issue(portal.Account{Name: "olga", Role: portal.Owner}, "1")
	if err != nil {
		t.Fatal(err)
	}
	config := portal.AuthConfig{Issuer: "https://leadlake.test", Audience: "portal", Signer: signingKey(2), Now: clock.now}
	fresh, err := portal.NewAuth(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Verify(t.Context(), token); !errors.Is(err, portal.ErrToken) {
		t.Errorf("without the old key: %v", err)
	}
	config.OldKeys = []ed25519.PublicKey{signingKey(0).Public().(ed25519.PublicKey)}
	fresh, err = portal.NewAuth(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Verify(t.Context(), token); err != nil {
		t.Errorf("with the old key: %v", err)
	}
}
