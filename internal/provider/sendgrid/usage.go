package sendgrid

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"
)

// Usage is what a subuser's mail came to in a month.
type Usage struct {
	Month time.Time // its first day, UTC
	// Metrics are counts by SendGrid's names: "requests", "delivered", "bounces" …
	Metrics map[string]int64
}

const operationListStats = "ListStats"

type wireStats struct {
	Date  string `json:"date"`
	Stats []struct {
		Name    string           `json:"name"`
		Metrics map[string]int64 `json:"metrics"`
	} `json:"stats"`
}

// Usage reads a subuser's figures by month, since the month of an instant. Months in which there was nothing are left out. They go with the
// subuser: read them before it is deleted.
func (c *Client) Usage(ctx context.Context, username string, since time.Time) ([]Usage, error) {
	if err := behalf(operationListStats, username); err != nil {
		return nil, err
	}
	since = since.UTC()
	first := time.Date(since.Year(), since.Month(), 1, 0, 0, 0, 0, time.UTC)
	list, err := pages[wireStats](ctx, c, request{operation: operationListStats, path: "/v3/subusers/stats", query: map[string]string{
		"subusers": username, "start_date": first.Format(time.DateOnly), "aggregated_by": "month",
	}})
	if err != nil {
		return nil, err
	}
	var found []Usage
	for _, w := range list {
		month, err := time.Parse(time.DateOnly, w.Date)
		if err != nil {
			return nil, unusable(operationListStats, http.StatusOK)
		}
		metrics := map[string]int64{}
		for _, s := range w.Stats {
			if strings.EqualFold(s.Name, username) {
				maps.Copy(metrics, s.Metrics)
			}
		}
		maps.DeleteFunc(metrics, func(_ string, n int64) bool { return n == 0 })
		if len(metrics) > 0 {
			found = append(found, Usage{Month: month, Metrics: metrics})
		}
	}
	return found, nil
}
