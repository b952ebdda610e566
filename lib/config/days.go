package config

import "fmt"

// checkDays refuses thresholds in days between which nobody could stand.
func (c *Config) checkDays(fault func(path, format string, args ...any)) {
	m := c.Metrics
	if m.ActiveDays >= m.SleepingDays {
		fault("metrics.active_days", "want fewer days than sleeping_days (%d), got %d: between them a client is cooling", m.SleepingDays, m.ActiveDays)
	}
	for i, last := range m.RecencyBands {
		if i > 0 && last <= m.RecencyBands[i-1] {
			fault(fmt.Sprintf("metrics.recency_bands.%d", i), "the last days of bands must rise: %d after %d", last, m.RecencyBands[i-1])
		}
	}
}
