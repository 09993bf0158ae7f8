package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
)

//go:embed prices.json
var priceList []byte

// Prices is the price list, with the few assumptions that nothing here can measure.
type Prices struct {
	Date         string                `json:"date"`
	Region       string                `json:"region"`
	Architecture string                `json:"architecture"`
	Note         string                `json:"note"`
	Prices       map[string]Price      `json:"prices"`
	Assumptions  map[string]Assumption `json:"assumptions"`
	Vendors      []Vendor              `json:"vendors"`
}

// Price is what so many units of something cost.
type Price struct {
	USD    float64 `json:"usd"`
	Per    float64 `json:"per"`
	Unit   string  `json:"unit"`
	Source string  `json:"source"`
}

// Assumption is a number that isn't measured, with its reason.
type Assumption struct {
	Value float64 `json:"value"`
	Why   string  `json:"why"`
}

// Vendor is what an instance costs at a vendor, in dollars a month, from the strategy; not AWS's, and not Fleet's.
type Vendor struct {
	Name string  `json:"name"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Note string  `json:"note,omitempty"`
}

// The assumptions and prices that the program uses, by their names in the list.
var (
	assumed = []string{"coldStartMs", "warmMinutes", "tableReadMs", "tableWriteMs", "keyMs", "secretMs", "platformLogBytes",
		"eventLogBytes", "tableKeyMinutes", "logRetentionDays", "kmsKeys", "dashboards"}
	priced = []string{"lambda-requests", "lambda-duration", "step-functions", "dynamodb-writes", "dynamodb-reads", "dynamodb-storage",
		"dynamodb-recovery", "kms-requests", "kms-keys", "secrets-requests", "secrets", "logs-ingested", "logs-stored", "alarms",
		"dashboards", "s3-reads", "http-api", "scheduler", "xray"}
)

// readPrices reads a price list. It fails unless everything that is used is there.
func readPrices(text []byte) (Prices, error) {
	var p Prices
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("the price list does not decode: %w", err)
	}
	if _, err := time.Parse(time.DateOnly, p.Date); err != nil {
		return p, fmt.Errorf("the price list's date: %w", err)
	}
	for _, name := range priced {
		if price := p.Prices[name]; price.USD <= 0 || price.Per <= 0 || price.Unit == "" || price.Source == "" {
			return p, fmt.Errorf("the price list lacks %q, or its usd, per, unit or source", name)
		}
	}
	for _, name := range assumed {
		if a, ok := p.Assumptions[name]; !ok || a.Value < 0 || a.Why == "" {
			return p, fmt.Errorf("the price list lacks the assumption %q, or its reason", name)
		}
	}
	return p, nil
}

// assume gives an assumption, and millis one of a duration.
func (p Prices) assume(name string) float64 { return p.Assumptions[name].Value }

func (p Prices) millis(name string) time.Duration {
	return time.Duration(p.assume(name) * float64(time.Millisecond))
}
