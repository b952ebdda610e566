package config

import (
	"fmt"
	"slices"
)

// checkIdentity finds lists that say two things at once: a client in two parts of
// one split, and clients whom merges, alone or one after another, bring into
// different parts of it.
func (c *Config) checkIdentity(fault func(path, format string, args ...any)) {
	merged := map[string]string{} // union-find over the clients of all merges
	find := func(client string) string {
		for merged[client] != "" {
			client = merged[client]
		}
		return client
	}
	for i, merge := range c.Identity.Merge {
		for j, client := range merge.Clients[1:] {
			if a, b := find(client), find(merge.Clients[0]); a != b {
				merged[a] = b
			}
			if c.mergedAcross(find) {
				fault(fmt.Sprintf("identity.merge.%d.clients.%d", i, j+1), "this merge unites clients that a split keeps apart")
				return // what comes after it would be blamed for the same
			}
		}
	}
	for i, split := range c.Identity.Split {
		part := map[string]int{}
		for j, clients := range split.Parts {
			for k, client := range clients {
				if before, ok := part[client]; ok && before != j {
					fault(fmt.Sprintf("identity.split.%d.parts.%d.%d", i, j, k), "this client stands in part %d of the same split, too", before+1)
				}
				part[client] = j
			}
		}
	}
}

// mergedAcross reports whether two different clients of different parts of one
// split are one.
func (c *Config) mergedAcross(find func(string) string) bool {
	for _, split := range c.Identity.Split {
		part := map[string]int{}
		for j, clients := range split.Parts {
			for _, client := range clients {
				root := find(client)
				before, ok := part[root]
				if ok && before != j && !slices.Contains(split.Parts[before], client) {
					return true
				}
				part[root] = j
			}
		}
	}
	return false
}
