package portal

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// SessionLife is how long a sign-in lasts, and the longest life of a token that
// is accepted from anybody.
const SessionLife = time.Hour

// ErrToken says that a token is no valid sign-in here.
var ErrToken = errors.New("portal: token refused")

// AuthConfig says whose ID tokens are accepted. The same code serves a Cognito
// user pool (issuer and client of the pool, a remote key set, RS256) and one
// machine (own issuer, one or two Ed25519 keys).
type AuthConfig struct {
	Issuer   string // required
	Audience string // required
	// Keys verifies signatures. Default: the public half of Signer and OldKeys.
	Keys oidc.KeySet
	// Algorithms that Keys may use; default EdDSA.
	Algorithms []string
	// GroupsClaim holds the roles; default cognito:groups.
	GroupsClaim string
	// Signer makes tokens where this program is the issuer; nil otherwise.
	Signer ed25519.PrivateKey
	// OldKeys are still accepted while the signing key is being changed.
	OldKeys []ed25519.PublicKey
	Now     func() time.Time // required
}

// Auth issues and verifies ID tokens. It is safe for concurrent use.
type Auth struct {
	config   AuthConfig
	verifier *oidc.IDTokenVerifier
	signer   jose.Signer
}

// Identity is who a valid token speaks for.
type Identity struct {
	Name      string // subject
	Role      Role
	TokenID   string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// NewAuth checks the configuration.
func NewAuth(c AuthConfig) (*Auth, error) {
	if c.Issuer == "" || c.Audience == "" || c.Now == nil {
		return nil, errors.New("portal: auth needs an issuer, an audience and a clock")
	}
	if c.GroupsClaim == "" {
		c.GroupsClaim = "cognito:groups"
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{oidc.EdDSA}
	}
	a := &Auth{config: c}
	if c.Signer != nil {
		if len(c.Signer) != ed25519.PrivateKeySize {
			return nil, errors.New("portal: the signing key is no Ed25519 key")
		}
		options := (&jose.SignerOptions{}).WithType("JWT")
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: c.Signer}, options)
		if err != nil {
			return nil, fmt.Errorf("make token signer: %w", err)
		}
		a.signer = signer
	}
	if c.Keys == nil {
		set := &oidc.StaticKeySet{}
		if c.Signer != nil {
			public, _ := c.Signer.Public().(ed25519.PublicKey)
			set.PublicKeys = append(set.PublicKeys, crypto.PublicKey(public))
		}
		for _, key := range c.OldKeys {
			set.PublicKeys = append(set.PublicKeys, crypto.PublicKey(key))
		}
		if len(set.PublicKeys) == 0 {
			return nil, errors.New("portal: auth needs keys")
		}
		c.Keys = set
	}
	a.verifier = oidc.NewVerifier(c.Issuer, c.Keys, &oidc.Config{
		ClientID: c.Audience, SupportedSigningAlgs: c.Algorithms, Now: c.Now,
	})
	return a, nil
}

// claims are the private claims of an ID token; the groups have a configured name.
type claims struct {
	Use string `json:"token_use"`
	ID  string `json:"jti"`
}

// Issue makes a token for an account that has just signed in. The id must be
// unguessable and new.
func (a *Auth) Issue(account Account, id string) (string, Identity, error) {
	if a.signer == nil {
		return "", Identity{}, errors.New("portal: tokens are issued elsewhere")
	}
	now := a.config.Now().UTC().Truncate(time.Second)
	who := Identity{Name: account.Name, Role: account.Role, TokenID: id, IssuedAt: now, ExpiresAt: now.Add(SessionLife)}
	token, err := jwt.Signed(a.signer).Claims(jwt.Claims{
		Issuer: a.config.Issuer, Subject: account.Name, Audience: jwt.Audience{a.config.Audience}, ID: id,
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(who.ExpiresAt),
	}).Claims(map[string]any{"token_use": "id", a.config.GroupsClaim: []Role{account.Role}}).Serialize()
	if err != nil {
		return "", Identity{}, fmt.Errorf("sign token: %w", err)
	}
	return token, who, nil
}

// Verify checks signature, issuer, audience, time and use. Every refusal matches
// [ErrToken]; a token without a known role is accepted with an empty Role, which
// opens nothing.
func (a *Auth) Verify(ctx context.Context, raw string) (Identity, error) {
	token, err := a.verifier.Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	var own claims
	var all map[string]any
	if err := errors.Join(token.Claims(&own), token.Claims(&all)); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	switch {
	case own.Use != "id":
		return Identity{}, fmt.Errorf("%w: not an ID token", ErrToken)
	case token.Subject == "" || own.ID == "":
		return Identity{}, fmt.Errorf("%w: no subject or id", ErrToken)
	case token.IssuedAt.IsZero() || token.Expiry.Sub(token.IssuedAt) > SessionLife:
		return Identity{}, fmt.Errorf("%w: lives too long", ErrToken)
	}
	who := Identity{Name: token.Subject, TokenID: own.ID, IssuedAt: token.IssuedAt, ExpiresAt: token.Expiry}
	groups, _ := all[a.config.GroupsClaim].([]any)
	for _, role := range Roles() {
		if slices.Contains(groups, any(string(role))) {
			who.Role = role
			break
		}
	}
	return who, nil
}
