package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
)

// UsersKey is where one machine keeps its accounts in the store.
const UsersKey = "config/users.json"

// Errors of accounts.
var (
	// ErrSignIn says that name and password do not open an account; it does not
	// say which of the two is wrong.
	ErrSignIn   = errors.New("portal: wrong name or password")
	ErrAccount  = errors.New("portal: no such account")
	ErrExists   = errors.New("portal: the account exists")
	ErrName     = errors.New("portal: a name is 1 to 64 letters a–z, digits, dots, hyphens, underscores or @")
	ErrPassword = errors.New("portal: a password has 8 to 256 characters")
	ErrRole     = errors.New("portal: unknown role")
	ErrUsers    = errors.New("portal: unreadable accounts")
)

// Accounts knows who may sign in. It is nil where tokens are issued elsewhere.
type Accounts interface {
	// Verify checks a password. The work does not tell an unknown, a disabled and
	// a known name apart; every refusal matches [ErrSignIn].
	Verify(ctx context.Context, name, password string) (Account, error)
	// Current is the account as it stands now, or [ErrAccount] where it is gone or
	// disabled. It is asked at every request, so it must be cheap.
	Current(ctx context.Context, name string) (Account, error)
}

// Account is who may sign in. Sign-ins from before ChangedAt are void.
type Account struct {
	Name      string
	Role      Role
	ChangedAt time.Time
}

// Users is the accounts of one machine: an object of JSON that the caller keeps.
// It meets [Accounts]. Methods that change it are not safe beside others.
type Users struct {
	users []user
}

type user struct {
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	Hash      string    `json:"hash"`
	Disabled  bool      `json:"disabled,omitempty"`
	ChangedAt time.Time `json:"changed_at"`
}

type usersFile struct {
	Version int    `json:"version"`
	Users   []user `json:"users"`
}

var userName = regexp.MustCompile(`^[a-z0-9._@-]{1,64}$`)

// cost is what OWASP asks of argon2id at least; 73 ms here, against 296 ms of the
// library's default.
func cost() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// nobody is a hash of the same cost that no password is known for: it makes an
// unknown name cost what a known one does.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$bGVhZGxha2Utbm9ib2R5IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// ParseUsers reads what Marshal wrote; no bytes are no accounts. Errors match
// [ErrUsers] and never hold what stands in the file.
func ParseUsers(b []byte) (*Users, error) {
	if len(b) == 0 {
		return &Users{}, nil
	}
	var file usersFile
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, fmt.Errorf("%w: not JSON", ErrUsers)
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("%w: version %d", ErrUsers, file.Version)
	}
	seen := map[string]bool{}
	for i, u := range file.Users {
		_, _, _, err := argon2id.DecodeHash(u.Hash)
		if err != nil || !userName.MatchString(u.Name) || !u.Role.Known() || seen[u.Name] {
			return nil, fmt.Errorf("%w: account %d", ErrUsers, i+1)
		}
		seen[u.Name] = true
	}
	return &Users{users: file.Users}, nil
}

// Marshal writes the accounts ordered by name.
func (u *Users) Marshal() ([]byte, error) {
	file := usersFile{Version: 1, Users: slices.Clone(u.users)}
	slices.SortFunc(file.Users, func(a, b user) int { return strings.Compare(a.Name, b.Name) })
	if file.Users == nil {
		file.Users = []user{}
	}
	b, err := json.MarshalIndent(file, "", "  ")
	return append(b, '\n'), err
}

// Len counts the accounts, disabled ones too.
func (u *Users) Len() int { return len(u.users) }

// Add makes an account. Names are kept in lower case.
func (u *Users) Add(name string, role Role, password string, now time.Time) error {
	name = canonicalName(name)
	if !userName.MatchString(name) {
		return ErrName
	}
	if !role.Known() {
		return ErrRole
	}
	if u.find(name) != nil {
		return ErrExists
	}
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	u.users = append(u.users, user{Name: name, Role: role, Hash: hash, ChangedAt: now.UTC().Truncate(time.Second)})
	return nil
}

// SetPassword changes a password, which ends the account's sign-ins and enables
// it again.
func (u *Users) SetPassword(name, password string, now time.Time) error {
	found := u.find(canonicalName(name))
	if found == nil {
		return ErrAccount
	}
	hash, err := hashPassword(password)
	if err != nil {
		return err
	}
	found.Hash, found.Disabled, found.ChangedAt = hash, false, now.UTC().Truncate(time.Second)
	return nil
}

// Disable closes an account and ends its sign-ins.
func (u *Users) Disable(name string, now time.Time) error {
	found := u.find(canonicalName(name))
	if found == nil {
		return ErrAccount
	}
	found.Disabled, found.ChangedAt = true, now.UTC().Truncate(time.Second)
	return nil
}

// Verify implements [Accounts].
func (u *Users) Verify(_ context.Context, name, password string) (Account, error) {
	found := u.find(canonicalName(name))
	hash := nobody
	if found != nil {
		hash = found.Hash
	}
	if utf8.RuneCountInString(password) > maxPassword {
		password = "" // no password at all, at the same cost
	}
	match, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil {
		return Account{}, fmt.Errorf("%w: %w", ErrUsers, err)
	}
	if !match || found == nil || found.Disabled {
		return Account{}, ErrSignIn
	}
	return found.account(), nil
}

// Current implements [Accounts].
func (u *Users) Current(_ context.Context, name string) (Account, error) {
	found := u.find(name)
	if found == nil || found.Disabled {
		return Account{}, ErrAccount
	}
	return found.account(), nil
}

func (u *Users) find(name string) *user {
	for i := range u.users {
		if u.users[i].Name == name {
			return &u.users[i]
		}
	}
	return nil
}

func (u *user) account() Account { return Account{Name: u.Name, Role: u.Role, ChangedAt: u.ChangedAt} }

func canonicalName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

const (
	minPassword = 8
	maxPassword = 256
)

func hashPassword(password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return "", ErrPassword
	}
	hash, err := argon2id.CreateHash(password, cost())
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}
