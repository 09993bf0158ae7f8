package cloudflare

import (
	"context"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/dns"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"github.com/project-gimbal/fleet/internal/fault"
)

// SetProxied switches Cloudflare's proxy on or off for a record and leaves the rest of it, the comment included, as it
// is. Cloudflare's document wants type, name and content with every change, so they are read first. Repeating it is
// harmless. An absent record is a fault that provider.NotFound knows.
func (c *Client) SetProxied(ctx context.Context, id string, proxied bool) error {
	current, err := c.Record(ctx, id)
	if err != nil {
		return err
	}
	current.Proxied = proxied
	return c.edit(ctx, current)
}

// Point makes a CNAME record lead to target, a host name with or without a dot at the end, by Cloudflare's proxy or not, in one change,
// and leaves the comment as it is. Repeating it is harmless. A record that carries no comment, which would be a mark, or is no CNAME,
// is NotOurs and stays; whose mark it is, the caller compares before. An absent record is a fault that provider.NotFound knows.
func (c *Client) Point(ctx context.Context, recordID, target string, proxied bool) error {
	if target = strings.TrimSuffix(target, "."); target == "" {
		return unsent(operationUpdate, fault.Internal, "no target", nil)
	}
	current, err := c.Record(ctx, recordID)
	switch {
	case err != nil:
		return err
	case current.Comment == "" || current.Type != "CNAME":
		return unsent(operationUpdate, fault.NotOurs, "the record has no mark, or is no CNAME", nil)
	}
	current.Content, current.Proxied = target, proxied
	return c.edit(ctx, current)
}

// edit gives a record the content and the proxy that r has.
func (c *Client) edit(ctx context.Context, r Record) error {
	var body dns.RecordEditParamsBody
	body.Type.Value, body.Type.Present = dns.RecordEditParamsBodyType(r.Type), true
	body.Name.Value, body.Name.Present = r.Name, true
	body.Content.Value, body.Content.Present = r.Content, true
	body.Proxied.Value, body.Proxied.Present = r.Proxied, true
	params := dns.RecordEditParams{Body: body}
	params.ZoneID.Value, params.ZoneID.Present = c.zone, true
	e, err := c.call(ctx, operationUpdate, func(opts ...option.RequestOption) error {
		_, err := c.records.Edit(ctx, r.ID, params, opts...)
		return err
	})
	if err != nil {
		return err
	}
	got, ok := decodeRecord(e)
	if !ok || got.ID != r.ID || got.Proxied != r.Proxied || !strings.EqualFold(strings.TrimSuffix(got.Content, "."), strings.TrimSuffix(r.Content, ".")) {
		return unusable(operationUpdate, 200)
	}
	return nil
}

// Record reads the record of an id. An absent one is a fault that provider.NotFound knows.
func (c *Client) Record(ctx context.Context, id string) (Record, error) {
	if !identifier().MatchString(id) {
		return Record{}, unsent(operationGet, fault.Internal, "no id of a record", nil)
	}
	var params dns.RecordGetParams
	params.ZoneID.Value, params.ZoneID.Present = c.zone, true
	e, err := c.call(ctx, operationGet, func(opts ...option.RequestOption) error {
		_, err := c.records.Get(ctx, id, params, opts...)
		return err
	})
	if err != nil {
		return Record{}, err
	}
	r, ok := decodeRecord(e)
	if !ok || r.ID != id {
		return Record{}, unusable(operationGet, 200)
	}
	return r, nil
}
