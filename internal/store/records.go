package store

import (
	"cmp"
	"slices"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// Instance reads the instance, nil if there is none yet.
func (tx *Tx) Instance() (*fleet.Instance, error) {
	return get[fleet.Instance](tx, instanceKey(tx.instance))
}

// PutInstance writes the instance.
func (tx *Tx) PutInstance(i *fleet.Instance) error { return tx.put(instanceKey(tx.instance), i) }

// Signup reads the signup, nil if there is none.
func (tx *Tx) Signup() (*fleet.Signup, error) { return get[fleet.Signup](tx, signupKey(tx.instance)) }

// PutSignup writes the signup.
func (tx *Tx) PutSignup(s *fleet.Signup) error { return tx.put(signupKey(tx.instance), s) }

// Operation reads an operation, nil if there is none.
func (tx *Tx) Operation(id string) (*fleet.Operation, error) {
	return get[fleet.Operation](tx, operationKey(tx.instance, id))
}

// PutOperation writes an operation.
func (tx *Tx) PutOperation(o *fleet.Operation) error {
	return tx.put(operationKey(tx.instance, o.ID), o)
}

// Resource reads a ledger entry, nil if there is none.
func (tx *Tx) Resource(kind fleet.Kind, name string) (*fleet.Resource, error) {
	return get[fleet.Resource](tx, resourceKey(tx.instance, kind, name))
}

// PutResource writes a ledger entry.
func (tx *Tx) PutResource(r *fleet.Resource) error {
	return tx.put(resourceKey(tx.instance, r.Kind, r.Name), r)
}

// Resources reads the whole ledger. The change is conditional on those entries only that it writes.
func (tx *Tx) Resources() ([]fleet.Resource, error) {
	var out []fleet.Resource
	items, err := tx.store.all(tx.ctx, partition(tx.instance), "resource#")
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		r, err := decode[fleet.Resource](item)
		if err != nil {
			return nil, err
		}
		tx.seen[item.Key] = item.Version
		out = append(out, *r)
	}
	return out, nil
}

// Message reads a message, nil if there is none.
func (tx *Tx) Message(id string) (*fleet.Message, error) {
	return get[fleet.Message](tx, messageKey(tx.instance, id))
}

// Messages reads all of the instance's messages. The change is conditional on none of them.
func (tx *Tx) Messages() ([]fleet.Message, error) { return tx.store.Messages(tx.ctx, tx.instance) }

// PutMessage writes a message.
func (tx *Tx) PutMessage(m *fleet.Message) error { return tx.put(messageKey(tx.instance, m.ID), m) }

// Export reads an export, nil if there is none.
func (tx *Tx) Export(id string) (*fleet.Export, error) {
	return get[fleet.Export](tx, exportKey(tx.instance, id))
}

// PutExport writes an export.
func (tx *Tx) PutExport(e *fleet.Export) error { return tx.put(exportKey(tx.instance, e.ID), e) }

// Download reads how an export is being fetched, nil if nobody ever asked.
func (tx *Tx) Download(export string) (*fleet.Download, error) {
	return get[fleet.Download](tx, downloadKey(tx.instance, export))
}

// PutDownload writes how an export is being fetched.
func (tx *Tx) PutDownload(d *fleet.Download) error {
	return tx.put(downloadKey(tx.instance, d.Export), d)
}

// Open opens an incident; one of the same id that is there already is left as it is. A kind that nobody has written a runbook
// for is an Internal fault.
func (tx *Tx) Open(i fleet.Incident) error {
	if !i.Code.Known() {
		return fault.New(fault.Internal, "there is no kind of incident %q", i.Code)
	}
	key := incidentKey(tx.instance, i.ID)
	there, err := get[fleet.Incident](tx, key)
	if err != nil || there != nil {
		return err
	}
	i.InstanceID, i.OpenedAt = tx.instance, tx.Now()
	tx.Audit(fleet.AuditEntry{ID: "incident/" + i.ID, Actor: "fleet", Action: "incident.opened", Subject: i.ID, Outcome: string(i.Code)})
	return tx.put(key, &i)
}

// Incident reads an incident, nil if there is none.
func (tx *Tx) Incident(id string) (*fleet.Incident, error) {
	return get[fleet.Incident](tx, incidentKey(tx.instance, id))
}

// PutIncident writes an incident that was read in this change.
func (tx *Tx) PutIncident(i *fleet.Incident) error { return tx.put(incidentKey(tx.instance, i.ID), i) }

// CloseIncidents closes the instance's open incidents of these codes: their cause is over.
func (tx *Tx) CloseIncidents(codes ...fleet.IncidentKind) error {
	return tx.CloseIncidentsOf(func(i fleet.Incident) bool { return slices.Contains(codes, i.Code) })
}

// closedAtOnce keeps a change within the table's limits, however many incidents there are.
const closedAtOnce = 30

// CloseIncidentsOf closes those of the instance's open incidents that over says of that their cause is over, at most closedAtOnce of
// them: the others stay open until the next time, or until a person closes them. One that is damaged is passed over.
func (tx *Tx) CloseIncidentsOf(over func(fleet.Incident) bool) error {
	items, err := tx.store.all(tx.ctx, partition(tx.instance), "incident#")
	if err != nil {
		return err
	}
	closed := 0
	for _, item := range items {
		i, err := decode[fleet.Incident](item)
		if err != nil || !i.ClosedAt.IsZero() || !over(*i) {
			continue
		}
		if closed++; closed > closedAtOnce {
			break
		}
		tx.seen[item.Key] = item.Version
		i.ClosedAt = tx.Now()
		tx.Audit(fleet.AuditEntry{ID: "incident/" + i.ID + "/closed", Actor: "fleet", Action: "incident.closed", Subject: i.ID, Outcome: string(i.Code)})
		if err := tx.put(item.Key, i); err != nil {
			return err
		}
	}
	return nil
}

// Secret reads a sealed secret, nil if there is none.
func (tx *Tx) Secret(name string) ([]byte, error) {
	s, err := get[sealed](tx, secretKey(tx.instance, name))
	if err != nil || s == nil {
		return nil, err
	}
	return s.Sealed, nil
}

// PutSecret writes a secret that was sealed with the instance's data key.
func (tx *Tx) PutSecret(name string, ciphertext []byte) error {
	return tx.put(secretKey(tx.instance, name), &sealed{ciphertext})
}

type sealed struct {
	Sealed []byte `json:"sealed"`
}

// Claim reads a slug's claim, nil if it is free.
func (tx *Tx) Claim(slug string) (*fleet.SlugClaim, error) {
	return get[fleet.SlugClaim](tx, slugKey(slug))
}

// PutClaim writes a slug's claim.
func (tx *Tx) PutClaim(c *fleet.SlugClaim) error { return tx.put(slugKey(c.Slug), c) }

// FreeClaim frees a slug whose claim was read in this change.
func (tx *Tx) FreeClaim(slug string) { tx.remove(slugKey(slug)) }

// slot is an occupied provisioning slot.
type slot struct{ InstanceID, OperationID string }

// TakeSlot takes the first free one of n slots for an operation and gives its number, or 0 if none is free. As the lowest are taken
// first, those that run are among the n even after a deploy has lowered it, as far as they can be.
func (tx *Tx) TakeSlot(n int, operationID string) (int, error) {
	for i := 1; i <= n; i++ {
		s, err := get[slot](tx, slotKey(i))
		if err != nil {
			return 0, err
		}
		if s == nil {
			return i, tx.put(slotKey(i), &slot{tx.instance, operationID})
		}
	}
	return 0, nil
}

// FreeSlot frees slot n if the operation holds it.
func (tx *Tx) FreeSlot(n int, operationID string) error {
	if n == 0 {
		return nil
	}
	s, err := get[slot](tx, slotKey(n))
	if err != nil || s == nil || s.OperationID != operationID {
		return err
	}
	tx.remove(slotKey(n))
	return nil
}

// freezes is the one record of all that is frozen. Once there is one it stays, empty while nothing is frozen: its versions never
// come again, so that "as it was read" means just that.
type freezes struct {
	Freezes []fleet.Freeze `json:"freezes"` // by scope
}

// Freezes lists what is frozen, by scope. Whatever the change writes is written only if that is still so: what is frozen before
// doesn't start.
func (tx *Tx) Freezes() ([]fleet.Freeze, error) {
	tx.held = append(tx.held, freezesKey())
	f, err := get[freezes](tx, freezesKey())
	if err != nil || f == nil {
		return nil, err
	}
	return f.Freezes, nil
}

// PutFreezes writes what is frozen, after it was read in this change.
func (tx *Tx) PutFreezes(all []fleet.Freeze) error {
	all = slices.SortedFunc(slices.Values(all), func(a, b fleet.Freeze) int { return cmp.Compare(a.Scope, b.Scope) })
	return tx.put(freezesKey(), &freezes{all})
}
