package card

// numberOf numbers the clients in the order of their ids and returns whose number
// an event's tokens have, -1 for nobody's.
func numberOf(clients *Clients) func(tokens []string) int {
	ids := clients.IDs()
	numbers := make(map[string]int, len(ids))
	for i, id := range ids {
		numbers[id] = i
	}
	return func(tokens []string) int {
		if number, ok := numbers[clients.OfEvent(tokens)]; ok {
			return number
		}
		return -1
	}
}
