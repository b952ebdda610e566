package portal

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// cookieName is the cookie of a sign-in. A browser accepts a __Host- cookie by
// https only (and keeps the promise that no other host has set it), so the plain
// name, without Secure, serves http on this machine itself and nothing else.
func (p *Portal) cookieName(r *http.Request) string {
	if p.secureCookies(r) {
		return "__Host-id"
	}
	return "id"
}

func (p *Portal) secureCookies(r *http.Request) bool { return p.overTLS(r) || !loopback(r) }

func (p *Portal) setCookie(v *visit, name, value string, life time.Duration) {
	cookie := &http.Cookie{ //nolint:gosec // G124: Secure is off for http on this machine itself only
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: p.secureCookies(v.r), MaxAge: int(life / time.Second),
	}
	if life <= 0 {
		cookie.MaxAge = -1
	}
	http.SetCookie(v.w, cookie)
}

type loginBody struct {
	Next     string
	Name     string
	Wrong    bool
	WaitMins int64
	// Plain warns that a browser will not keep the sign-in: http on a foreign host.
	Plain     bool
	SignInURL string
}

func (p *Portal) login(v *visit, status int, body loginBody) error {
	body.Plain = !p.overTLS(v.r) && !loopback(v.r)
	if p.config.Accounts == nil {
		body.SignInURL = p.config.SignInURL
	}
	v.who = Identity{} // the page of somebody who is not in yet has no navigation
	return p.show(v, status, page{Key: "login", Body: body})
}

func (p *Portal) showLogin(v *visit) error {
	if v.who.Role.Known() {
		v.redirect(p.landing(v.who.Role, ""))
		return nil
	}
	return p.login(v, http.StatusOK, loginBody{Next: v.r.URL.Query().Get("next")})
}

// signIn spends a try of the account and of the address before it does any work,
// and gives the account's back when the password was right.
func (p *Portal) signIn(v *visit) error {
	if p.config.Accounts == nil {
		return ErrNotFound
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, 8<<10)
	if err := v.r.ParseForm(); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return err
		}
		return p.login(v, http.StatusBadRequest, loginBody{Wrong: true})
	}
	name, now := canonicalName(v.r.PostForm.Get("name")), p.config.Now()
	body := loginBody{Next: v.r.PostForm.Get("next"), Name: name}
	if len(name) > 64 {
		name = name[:64] // never an account, but a key of the limit
	}
	address := p.config.ClientIP(v.r)
	wait, ok := p.byAddress.take(address, now)
	if ok {
		wait, ok = p.byAccount.take(name, now)
	}
	if !ok {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		body.WaitMins = int64(math.Ceil(wait.Minutes()))
		return p.login(v, http.StatusTooManyRequests, body)
	}
	account, err := p.verify(v, name)
	if errors.Is(err, ErrSignIn) {
		body.Wrong = true
		p.config.Logger.WarnContext(v.r.Context(), "sign-in refused")
		return p.login(v, http.StatusUnauthorized, body)
	}
	if err != nil {
		return err
	}
	p.byAccount.giveBack(name)
	p.byAddress.giveBack(address)
	token, who, err := p.config.Auth.Issue(account, p.config.NewID())
	if err != nil {
		return err
	}
	p.setCookie(v, p.cookieName(v.r), token, who.ExpiresAt.Sub(now))
	v.redirect(p.landing(account.Role, body.Next))
	return nil
}

// verify waits for its turn: the checks of many sign-ins at once must not take
// the memory of the machine.
func (p *Portal) verify(v *visit, name string) (Account, error) {
	select {
	case p.hashing <- struct{}{}:
		defer func() { <-p.hashing }()
	case <-v.r.Context().Done():
		return Account{}, fmt.Errorf("wait for password check: %w", v.r.Context().Err())
	}
	account, err := p.config.Accounts.Verify(v.r.Context(), name, v.r.PostForm.Get("password"))
	if err != nil {
		return Account{}, fmt.Errorf("check password: %w", err)
	}
	return account, nil
}

// signOut denies the token before it takes the cookie away: a copy of it is
// worth nothing afterwards.
func (p *Portal) signOut(v *visit) error {
	if v.who.TokenID != "" {
		if err := p.config.Denials.Deny(v.r.Context(), v.who.TokenID, v.who.ExpiresAt); err != nil {
			return fmt.Errorf("deny token: %w", err)
		}
	}
	p.setCookie(v, p.cookieName(v.r), "", 0)
	v.redirect("/login")
	return nil
}
