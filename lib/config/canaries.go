package config

import "github.com/leadlake/leadlake/lib/identity"

// checkCanaries refuses a domain of canaries in which clients have addresses: whoever
// stands in it is taken for nobody.
func (c *Config) checkCanaries(fault func(path, format string, args ...any)) {
	if email, ok := identity.ParseEmail("a@" + c.Canaries.EmailDomain); ok && email.FreeMail() {
		fault("canaries.email_domain", "clients have their addresses there: want a domain of your own that nobody writes from")
	}
}
