package portal

import "slices"

// Role is what a person may do. The groups of an ID token are roles.
type Role string

// The roles of the design: what each may open stands in one table, routes.
const (
	Owner     Role = "owner"
	Marketer  Role = "marketer"
	Analyst   Role = "analyst"
	Manager   Role = "manager"
	Developer Role = "developer"
)

// Roles returns all roles in their fixed order; who has several has the first.
func Roles() []Role { return []Role{Owner, Marketer, Analyst, Manager, Developer} }

// Known reports whether r is one of Roles.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }
