package sendgrid

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sendgrid/rest"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Domain is a subuser's authenticated domain: mail from it is signed once its records are in the DNS.
type Domain struct {
	ID                int64
	Domain, Subdomain string
	// Valid is what SendGrid found at the last validation.
	Valid bool
	// Records are to be published, unproxied: mail_cname, dkim1, dkim2, then any others.
	Records []DNSRecord
}

// DNSRecord is a record that SendGrid wants published.
type DNSRecord struct {
	Type string // "cname", as SendGrid writes it
	Host string // the full name
	Data string // the target
}

const (
	operationListDomains  = "ListDomains"
	operationAuthenticate = "AuthenticateDomain"
	operationValidate     = "ValidateDomain"
	operationDeleteDomain = "DeleteDomain"
)

type wireDomain struct {
	ID        int64  `json:"id"`
	Domain    string `json:"domain"`
	Subdomain string `json:"subdomain"`
	Username  string `json:"username"` // whose it is
	Valid     *bool  `json:"valid"`
	Automatic bool   `json:"automatic_security"`
	DNS       map[string]struct {
		Type string `json:"type"`
		Host string `json:"host"`
		Data string `json:"data"`
	} `json:"dns"`
}

// automatic are the records of a domain whose security SendGrid keeps up by itself, as Fleet asks it to.
var automatic = []string{"mail_cname", "dkim1", "dkim2"}

// domain checks that w has what every domain has.
func (w wireDomain) domain() (Domain, bool) {
	if w.ID <= 0 || w.Domain == "" || w.Valid == nil {
		return Domain{}, false
	}
	d := Domain{ID: w.ID, Domain: w.Domain, Subdomain: w.Subdomain, Valid: *w.Valid}
	names := slices.Sorted(maps.Keys(w.DNS))
	if w.Automatic {
		others := slices.DeleteFunc(names, func(n string) bool { return slices.Contains(automatic, n) })
		names = slices.Concat(automatic, others)
	}
	for _, name := range names {
		r := w.DNS[name]
		if r.Type == "" || r.Host == "" || r.Data == "" {
			return Domain{}, false
		}
		d.Records = append(d.Records, DNSRecord(r))
	}
	return d, true
}

// FindDomains lists the subuser's authenticated domains of exactly that name, of which there may be several. One made
// a moment ago may be missing. A subuser that doesn't exist has none.
func (c *Client) FindDomains(ctx context.Context, subuser, domain string) ([]Domain, error) {
	if err := behalf(operationListDomains, subuser); err != nil {
		return nil, err
	}
	list, err := pages[wireDomain](ctx, c, request{
		operation: operationListDomains,
		path:      "/v3/whitelabel/domains",
		query:     map[string]string{"domain": domain},
		subuser:   subuser,
	})
	if err != nil {
		if c.gone(ctx, subuser, err) {
			return nil, nil
		}
		return nil, err
	}
	var found []Domain
	for _, w := range list {
		if !strings.EqualFold(w.Domain, domain) {
			continue
		}
		d, ok := w.domain()
		if !ok {
			return nil, unusable(operationListDomains, http.StatusOK)
		}
		// A page that shifts while the list is read shows a domain twice.
		if !slices.ContainsFunc(found, func(f Domain) bool { return f.ID == d.ID }) {
			found = append(found, d)
		}
	}
	return found, nil
}

// AuthenticateDomain starts to authenticate a domain for the subuser, with keys that SendGrid renews by itself.
// SendGrid allows a domain twice, so look it up first. The subdomain is the label of the bounce address's host: a fixed
// one makes the records' names predictable.
func (c *Client) AuthenticateDomain(ctx context.Context, subuser, domain, subdomain string) (Domain, error) {
	if err := behalf(operationAuthenticate, subuser); err != nil {
		return Domain{}, err
	}
	var made wireDomain
	err := c.read(ctx, request{
		operation: operationAuthenticate,
		method:    rest.Post,
		path:      "/v3/whitelabel/domains",
		subuser:   subuser,
		body:      map[string]any{"domain": domain, "subdomain": subdomain, "automatic_security": true},
		success:   []int{http.StatusCreated},
	}, &made)
	if err != nil {
		return Domain{}, err
	}
	d, ok := made.domain()
	if !ok || !made.Automatic || !strings.EqualFold(d.Domain, domain) {
		return Domain{}, unusable(operationAuthenticate, http.StatusCreated)
	}
	return d, nil
}

// ValidateDomain has SendGrid look for the domain's records in the DNS and reports whether all are there. It changes
// nothing but SendGrid's own note of that and needs no attempt. While the DNS spreads it is false: ask slowly.
func (c *Client) ValidateDomain(ctx context.Context, subuser string, id int64) (bool, error) {
	if err := domainOf(operationValidate, subuser, id); err != nil {
		return false, err
	}
	var result struct {
		ID    int64 `json:"id"`
		Valid *bool `json:"valid"`
	}
	err := c.read(provider.ReadOnly(ctx), request{
		operation: operationValidate,
		method:    rest.Post,
		path:      "/v3/whitelabel/domains/" + strconv.FormatInt(id, 10) + "/validate",
		subuser:   subuser,
		success:   []int{http.StatusOK},
	}, &result)
	if err != nil {
		return false, err
	}
	if result.ID != id || result.Valid == nil {
		return false, unusable(operationValidate, http.StatusOK)
	}
	return *result.Valid, nil
}

// DeleteDomain removes an authenticated domain of the subuser's. One that is gone already, with its subuser or without,
// is removed.
func (c *Client) DeleteDomain(ctx context.Context, subuser string, id int64) error {
	if err := domainOf(operationDeleteDomain, subuser, id); err != nil {
		return err
	}
	return c.remove(ctx, request{
		operation: operationDeleteDomain,
		path:      "/v3/whitelabel/domains/" + strconv.FormatInt(id, 10),
		subuser:   subuser,
	})
}

func domainOf(operation, subuser string, id int64) error {
	if id <= 0 {
		return unsent(operation, fault.Internal, "no id of a domain", nil)
	}
	return behalf(operation, subuser)
}
