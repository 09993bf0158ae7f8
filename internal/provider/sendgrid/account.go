package sendgrid

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"sync"

	"github.com/sendgrid/rest"
)

const (
	operationListScopes = "ListScopes"
	operationListIPs    = "ListIPs"
)

// scopes are words with dots, safe to print.
var scopes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`) })

// Scopes lists what Fleet's own key may do. Any key may ask; one that SendGrid doesn't know is refused with 401.
func (c *Client) Scopes(ctx context.Context) ([]string, error) {
	var read struct {
		Scopes []string `json:"scopes"`
	}
	err := c.read(ctx, request{operation: operationListScopes, method: rest.Get, path: "/v3/scopes", success: []int{http.StatusOK}}, &read)
	if err != nil {
		return nil, err
	}
	if read.Scopes == nil {
		return nil, unusable(operationListScopes, http.StatusOK)
	}
	for _, s := range read.Scopes {
		if !scopes().MatchString(s) {
			return nil, unusable(operationListScopes, http.StatusOK)
		}
	}
	return read.Scopes, nil
}

// IPs lists the IP addresses of the account.
func (c *Client) IPs(ctx context.Context) ([]netip.Addr, error) {
	type address struct {
		IP netip.Addr `json:"ip"`
	}
	list, err := pages[address](ctx, c, request{operation: operationListIPs, path: "/v3/ips", query: map[string]string{}})
	if err != nil {
		return nil, err
	}
	ips := make([]netip.Addr, 0, len(list))
	for _, a := range list {
		if !a.IP.IsValid() {
			return nil, unusable(operationListIPs, http.StatusOK)
		}
		ips = append(ips, a.IP)
	}
	return ips, nil
}
