package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/leadlake/leadlake/lib/pipeline"
	"github.com/leadlake/leadlake/lib/portal"
)

// userChange is one change of the accounts.
type userChange struct {
	Action   string      `json:"action"` // add, passwd or disable
	Name     string      `json:"name"`
	Role     portal.Role `json:"role,omitempty"`
	Password string      `json:"password,omitempty"`
	By       string      `json:"by"`
}

func userCommand(ctx context.Context, sys *system, args []string) error {
	roles := make([]string, 0, len(portal.Roles()))
	for _, role := range portal.Roles() {
		roles = append(roles, string(role))
	}
	f := newFlags(sys, "user add|passwd|disable NAME [flags]",
		"Adds an account for the pages, changes its password, or closes it. The password is asked\n"+
			"for, or read from standard input; it is never an argument, where others could see it.")
	var where place
	where.register(f)
	role := f.String("role", "", "`role` of a new account: "+strings.Join(roles, ", "))
	fromStdin := f.Bool("password-stdin", false, "read the password from the first line of standard input")
	plain, err := f.parseMixed(args, 2, 2)
	if err != nil {
		return err
	}
	change := userChange{Action: plain[0], Name: plain[1], Role: portal.Role(*role), By: "operator"}
	switch {
	case change.Action != "add" && change.Action != "passwd" && change.Action != "disable":
		return wrongUse("user: no action %q; there are add, passwd and disable", change.Action)
	case change.Action == "add" && !change.Role.Known():
		return wrongUse("user add: -role is one of %s", strings.Join(roles, ", "))
	case change.Action != "add" && *role != "":
		return wrongUse("user %s: -role is for add", change.Action)
	}
	if change.Action != "disable" {
		if change.Password, err = readPassword(sys, *fromStdin); err != nil {
			return err
		}
	}
	if _, err := perform(ctx, sys, where, "user", change); err != nil {
		return err
	}
	done := map[string]string{"add": "added", "passwd": "changed", "disable": "closed"}
	_, err = fmt.Fprintf(sys.Stdout, "account %s: %s\n", change.Name, done[change.Action])
	return err
}

// changeUser changes the accounts and writes the audit row.
func (m *machine) changeUser(ctx context.Context, c userChange) (userChange, error) {
	var refused error // as the accounts say it, without the store's words around
	err := m.steps.ChangeUsers(ctx, func(users *portal.Users) error {
		switch c.Action {
		case "add":
			refused = users.Add(c.Name, c.Role, c.Password, m.now())
		case "passwd":
			refused = users.SetPassword(c.Name, c.Password, m.now())
		case "disable":
			refused = users.Disable(c.Name, m.now())
		default:
			refused = fmt.Errorf("no action %q", c.Action)
		}
		return refused
	})
	c.Password = ""
	if refused != nil {
		return c, errors.New("account " + c.Name + ": " + strings.TrimPrefix(refused.Error(), "portal: "))
	}
	if err != nil {
		return c, err
	}
	return c, m.steps.Audit(ctx, pipeline.AuditRow{Who: c.By, Action: "user_" + c.Action, Object: "account/" + strings.ToLower(c.Name)})
}

// readPassword asks twice on a terminal and reads one line elsewhere.
func readPassword(sys *system, fromStdin bool) (string, error) {
	if fromStdin {
		return firstLine(sys.Stdin)
	}
	file, ok := sys.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return "", wrongUse("there is no terminal to ask for the password on; use -password-stdin")
	}
	ask := func(prompt string) (string, error) {
		_, _ = fmt.Fprint(sys.Stderr, prompt)
		password, err := term.ReadPassword(int(file.Fd()))
		_, _ = fmt.Fprintln(sys.Stderr)
		return string(password), err
	}
	password, err := ask("password: ")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	again, err := ask("again: ")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if password != again {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return password, nil
}

// firstLine is the first line without its end.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
