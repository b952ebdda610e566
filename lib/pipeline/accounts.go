package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadlake/leadlake/lib/objstore"
	"github.com/leadlake/leadlake/lib/portal"
)

// ChangeUsers applies a change to the accounts of one-machine mode under
// compare-and-swap; change may be called again with fresher accounts.
func (p *Pipeline) ChangeUsers(ctx context.Context, change func(*portal.Users) error) error {
	_, err := objstore.Commit(ctx, p.store, portal.UsersKey, func(old []byte) ([]byte, error) {
		users, err := portal.ParseUsers(old)
		if err != nil {
			return nil, err
		}
		if err := change(users); err != nil {
			return nil, err
		}
		return users.Marshal()
	})
	if err != nil {
		return fmt.Errorf("pipeline: accounts: %w", err)
	}
	return nil
}

// Users reads the accounts of one-machine mode; none where there is no file.
func (p *Pipeline) Users(ctx context.Context) (*portal.Users, error) {
	body, _, err := p.store.Get(ctx, portal.UsersKey)
	if err != nil && !errors.Is(err, objstore.ErrNotExist) {
		return nil, fmt.Errorf("pipeline: read accounts: %w", err)
	}
	return portal.ParseUsers(body)
}

// Accounts answers sign-ins from the accounts in the store as they stand at each
// question, so that a disabled account is out at once.
func (p *Pipeline) Accounts() portal.Accounts { return accounts{p} }

type accounts struct{ p *Pipeline }

func (a accounts) Verify(ctx context.Context, name, password string) (portal.Account, error) {
	users, err := a.p.Users(ctx)
	if err != nil {
		return portal.Account{}, err
	}
	return users.Verify(ctx, name, password)
}

func (a accounts) Current(ctx context.Context, name string) (portal.Account, error) {
	users, err := a.p.Users(ctx)
	if err != nil {
		return portal.Account{}, err
	}
	return users.Current(ctx, name)
}
