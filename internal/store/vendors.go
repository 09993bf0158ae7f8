package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// outages is the one record of how the vendors are. It is apart from the windows: every call changes one of those, and this is
// changed by the few that fail.
type outages struct {
	Outages []fleet.Outage `json:"outages"` // by vendor
}

func outagesKey() table.Key { return table.Key{Partition: partition(fleet.FleetID), Sort: "outages"} }
func windowKey(vendor string) table.Key {
	return table.Key{Partition: "window#" + vendor, Sort: "window"}
}

// Window reads a vendor's recent calls, empty while there were none.
func (tx *Tx) Window(vendor string) (*budget.Window, error) {
	w, err := get[budget.Window](tx, windowKey(vendor))
	if w == nil && err == nil {
		w = &budget.Window{Vendor: vendor}
	}
	return w, err
}

// PutWindow writes a vendor's recent calls.
func (tx *Tx) PutWindow(w *budget.Window) error { return tx.put(windowKey(w.Vendor), w) }

// Outages reads how the vendors are, those of which anything is known.
func (tx *Tx) Outages() ([]fleet.Outage, error) {
	o, err := get[outages](tx, outagesKey())
	if err != nil || o == nil {
		return nil, err
	}
	return o.Outages, nil
}

// Outage reads what is known of a vendor's calls, or of its writes.
func (tx *Tx) Outage(vendor string, writes bool) (*fleet.Outage, error) {
	all, err := tx.Outages()
	if i := slices.IndexFunc(all, func(o fleet.Outage) bool { return o.Vendor == vendor && o.Writes == writes }); i >= 0 {
		return &all[i], err
	}
	return &fleet.Outage{Vendor: vendor, Writes: writes}, err
}

// PutOutages writes what is known of a vendor.
func (tx *Tx) PutOutages(vendor string, known ...fleet.Outage) error {
	all, err := tx.Outages()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(other fleet.Outage) bool { return other.Vendor == vendor })
	all = slices.SortedStableFunc(slices.Values(append(all, known...)), func(a, b fleet.Outage) int { return cmp.Compare(a.Vendor, b.Vendor) })
	return tx.put(outagesKey(), &outages{all})
}

// Ahead counts the approved signups that are admitted before this one. It reads those alone. The list may lag.
func (s *Store) Ahead(ctx context.Context, signup fleet.Signup) (int, error) {
	own := listed("", signup.DecidedAt, signup.InstanceID)[ByList].Sort
	items, err := s.pages(ctx, table.Query{Index: ByList, Partition: "signup#" + string(fleet.Approved), To: own})
	ahead := 0
	for _, item := range items {
		if item.Index[ByList].Sort != own {
			ahead++
		}
	}
	return ahead, err
}

// Outages reads how the vendors are, those of which anything is known.
func (s *Store) Outages(ctx context.Context) ([]fleet.Outage, error) {
	o, err := one[outages](ctx, s, outagesKey())
	if err != nil || o == nil {
		return nil, err
	}
	return o.Outages, nil
}
