package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

// told is an incident and whose it is.
type told struct {
	whose    string
	code     fleet.IncidentKind
	incident fleet.Incident
}

// plain is what needs no quotes among an operator's words, and in an incident's id.
var plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`) })

// causeOf names what is wrong about a thing, for the incident's id.
func causeOf(code fleet.IncidentKind, o fleet.Owned) string {
	id := o.ID
	if !plain().MatchString(id) {
		sum := sha256.Sum256([]byte(id))
		id = hex.EncodeToString(sum[:])
	}
	return strings.ToLower(string(code)) + "/" + string(o.Kind) + "/" + id
}

func causeOfMany(code fleet.IncidentKind, vendor string) string {
	return strings.ToLower(string(code)) + "/more/" + vendor
}

// about is the vendor that an incident of these sweeps is about; empty for any other incident.
func about(code fleet.IncidentKind, cause string) string {
	parts := strings.Split(cause, "/")
	if code != fleet.IncidentOrphan && code != fleet.IncidentMissing || len(parts) != 3 || parts[1] == "more" {
		return ""
	}
	return fleet.Kind(parts[1]).Vendor()
}

// standingNow counts the incidents of a kind that the round found to stand so far.
func (r *round) standingNow(code fleet.IncidentKind) (n int) {
	for _, cause := range slices.Concat(r.sweep.Stand, r.stand) {
		if strings.HasPrefix(cause, strings.ToLower(string(code))+"/") {
			n++
		}
	}
	return n
}

// standing makes one cause's incident be open, or not.
func (r *round) standing(ctx context.Context, whose string, code fleet.IncidentKind, cause string, incident *fleet.Incident) error {
	return r.env.Store.Update(ctx, whose, func(tx *store.Tx) error {
		var wanted []fleet.Incident
		if incident != nil {
			wanted = append(wanted, *incident)
		}
		return tx.Standing(code, wanted, func(other string) bool { return other != cause })
	})
}

func quoted(text string) string {
	if plain().MatchString(text) {
		return text
	}
	return fmt.Sprintf("%.200q", text)
}

// tellOf is the incident about a thing; i is nil where its instance never was.
func tellOf(code fleet.IncidentKind, i *fleet.Instance, o fleet.Owned) told {
	t := told{whose: fleet.FleetID, code: code, incident: fleet.Incident{ID: causeOf(code, o), Code: code}}
	what := fmt.Sprintf("%s %s (%s)", o.Kind, quoted(o.ID), quoted(o.Name))
	vendor := o.Kind.Vendor()
	if i == nil {
		t.incident.Reason = fmt.Sprintf("%s has %s, which is marked as instance %s's: Fleet knows no such instance", vendor, what, o.InstanceID)
		t.incident.NextAction = "find out whether another Fleet works in this account; if none does, delete it at " + vendor + ": " + byHand(o)
		return t
	}
	t.whose = i.ID
	if code == fleet.IncidentOrphan {
		t.incident.Reason = fmt.Sprintf("%s has %s of %s, of which the ledger doesn't tell", vendor, what, i.Host)
		t.incident.NextAction = fmt.Sprintf("make sure that nobody needs it, then: fleetctl remove-orphan %s %s %s", i.ID, o.Kind, quoted(o.Name))
		if fleet.Irreversible(o.Kind) && !i.ActivatedAt.IsZero() && i.State != fleet.Terminated {
			t.incident.NextAction += ` --without-export "REASON"`
		}
		return t
	}
	t.incident.Reason = fmt.Sprintf("the ledger calls %s of %s created, and %s doesn't have it", what, i.Host, vendor)
	if t.incident.NextAction = fmt.Sprintf("put it back at %s under that name and with Fleet's mark, then: fleetctl adopt %s %s %s", vendor, i.ID, o.Kind, quoted(o.Name)); i.Unfinished != "" {
		t.incident.NextAction = "its removal was under way: fleetctl retry " + i.ID
	}
	return t
}

// byHand is the request that deletes a thing at its vendor.
func byHand(o fleet.Owned) string {
	id := quoted(o.ID)
	switch o.Kind {
	case fleet.SupabaseProject:
		return "DELETE https://api.supabase.com/v1/projects/" + id
	case fleet.VercelProject:
		return "DELETE https://api.vercel.com/v9/projects/" + id
	case fleet.DNSRecord:
		return "DELETE https://api.cloudflare.com/client/v4/zones/<zone>/dns_records/" + id
	case fleet.CloudflareRule:
		return "DELETE https://api.cloudflare.com/client/v4/zones/<zone>/rulesets/<ruleset>/rules/" + id
	case fleet.TwilioSubaccount:
		return "POST https://api.twilio.com/2010-04-01/Accounts/" + id + ".json with Status=closed"
	default:
		return "DELETE https://api.sendgrid.com/v3/subusers/" + id
	}
}

// tooMany is the incident about more than is told one by one.
func tooMany(code fleet.IncidentKind, vendor string) *fleet.Incident {
	i := &fleet.Incident{ID: causeOfMany(code, vendor), Code: code,
		Reason:     fmt.Sprintf("more than %d things at %s are in no ledger; the others have no incident of their own yet", most, vendor),
		NextAction: "see to those that have one, the others follow: fleetctl incidents"}
	if code == fleet.IncidentMissing {
		i.Reason = fmt.Sprintf("more than %d things that ledgers call created are not at %s; the others have no incident of their own yet", most, vendor)
		i.NextAction = "find out whether Fleet's credential is of another account: fleetctl doctor"
	}
	return i
}
