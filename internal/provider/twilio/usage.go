package twilio

import (
	"context"
	"errors"
	"net/url"

	v2010 "github.com/twilio/twilio-go/rest/api/v2010"
)

// Usage is what an account has used of one thing, in all its time. Amounts are decimals, as Twilio writes them.
type Usage struct {
	Category string // "sms", "calls-inbound" …; some hold others
	Count    string // of events, in CountUnit
	Amount   string // what is billed by, in Unit
	CountUnit,
	Unit string
	From, To string // the days that it is of, YYYY-MM-DD
}

// Usage reads what a subaccount has used, by category, without what it never used. What it costs is not told: the SDK rounds prices. The
// figures lag by minutes; read them before the account is closed. Where there is no such account, provider.NotFound(err) holds.
func (c *Client) Usage(ctx context.Context, sid string) ([]Usage, error) {
	const operation = "ListUsageRecords"
	if !accountSID().MatchString(sid) {
		return nil, malformed(operation)
	}
	var found []Usage
	err := c.pages(ctx, operation, url.Values{"IncludeSubaccounts": {"false"}}, func(api *v2010.ApiService) (*string, error) {
		list, err := api.PageUsageRecord(new(v2010.ListUsageRecordParams).SetPathAccountSid(sid), "", "")
		if err != nil {
			return nil, err
		}
		if list.UsageRecords == nil {
			return nil, errors.New("no usage records") // an answer without the list is not an empty list
		}
		for _, r := range list.UsageRecords {
			one := Usage{Category: deref(r.Category), Count: deref(r.Count), CountUnit: deref(r.CountUnit), Amount: deref(r.Usage), Unit: deref(r.UsageUnit),
				From: deref(r.StartDate), To: deref(r.EndDate)}
			if one.Category == "" || deref(r.AccountSid) != sid {
				return nil, errors.New("a usage record without category, or of another account")
			}
			if !nothing(one.Count) || !nothing(one.Amount) {
				found = append(found, one)
			}
		}
		return list.NextPageUri, nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// nothing reports whether a decimal is zero, or isn't there.
func nothing(decimal string) bool {
	for _, r := range decimal {
		if r >= '1' && r <= '9' {
			return false
		}
	}
	return true
}
