package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// seen is what one page of a vendor's list showed: 8 bytes for each thing.
type seen struct {
	Things []byte `json:"things"`
}

// Seen are things at a vendor, each by the sum of its kind and id. That two have the same sum is as good as impossible.
type Seen map[uint64]struct{}

// Has reports whether the vendor's list showed a thing.
func (s Seen) Has(kind fleet.Kind, id string) bool {
	_, there := s[sumOf(kind, id)]
	return there
}

func sumOf(kind fleet.Kind, id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(string(kind) + "/" + id)) // a hash never fails
	return h.Sum64()
}

func sweepPartition(vendor string) string { return "sweep#" + vendor }
func sweepKey(vendor string) table.Key {
	return table.Key{Partition: sweepPartition(vendor), Sort: "sweep"}
}
func seenKey(vendor string, page int) table.Key {
	return table.Key{Partition: sweepPartition(vendor), Sort: fmt.Sprintf("seen#%08d", page)}
}

// Sweep reads how far a vendor's sweep is.
func (tx *Tx) Sweep(vendor string) (*fleet.Sweep, error) {
	s, err := get[fleet.Sweep](tx, sweepKey(vendor))
	if s == nil && err == nil {
		s = &fleet.Sweep{Vendor: vendor}
	}
	return s, err
}

// PutSweep writes how far a vendor's sweep is, after it was read in this change.
func (tx *Tx) PutSweep(s *fleet.Sweep) error { return tx.put(sweepKey(s.Vendor), s) }

// PutSeen writes what a page of a vendor's list showed, over what that page of an earlier list did.
func (tx *Tx) PutSeen(vendor string, page int, things []fleet.Owned) error {
	key := seenKey(vendor, page)
	if _, err := get[seen](tx, key); err != nil {
		return err
	}
	var sums []byte
	for _, o := range things {
		sums = binary.BigEndian.AppendUint64(sums, sumOf(o.Kind, o.ID))
	}
	return tx.put(key, &seen{sums})
}

// Sweep reads how far a vendor's sweep is.
func (s *Store) Sweep(ctx context.Context, vendor string) (fleet.Sweep, error) {
	there, err := one[fleet.Sweep](ctx, s, sweepKey(vendor))
	if err != nil || there == nil {
		return fleet.Sweep{Vendor: vendor}, err
	}
	return *there, nil
}

// Seen reads what the first pages of a vendor's list showed.
func (s *Store) Seen(ctx context.Context, vendor string, pages int) (Seen, error) {
	items, err := s.all(ctx, sweepPartition(vendor), "seen#")
	if err != nil {
		return nil, err
	}
	all := Seen{}
	for _, item := range items {
		if item.Sort >= seenKey(vendor, pages).Sort { // of an earlier list, which was longer
			break
		}
		page, err := decode[seen](item)
		if err != nil {
			return nil, err
		}
		for sums := page.Things; len(sums) >= 8; sums = sums[8:] {
			all[binary.BigEndian.Uint64(sums)] = struct{}{}
		}
	}
	return all, nil
}

// ResourcesOf reads the entries of a kind in an instance's ledger, by name.
func (s *Store) ResourcesOf(ctx context.Context, instanceID string, kind fleet.Kind) ([]fleet.Resource, error) {
	items, err := s.all(ctx, partition(instanceID), resourceKey("", kind, "").Sort)
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Resource](items)
}

// instancePage is how many instances InstancesAfter reads at a time.
const instancePage = 100

// InstancesAfter reads a page of the instances of a state as Instances lists them, from where a cursor says, or else from the first one.
// It gives the next page's cursor, empty after the last one. An instance that is damaged comes as an error, and the others come with it.
func (s *Store) InstancesAfter(ctx context.Context, state fleet.State, cursor string) (instances []fleet.Instance, next string, err error) {
	page, err := s.table.Query(ctx, table.Query{Index: ByList, Partition: "instance#" + string(state), Limit: instancePage, Cursor: cursor})
	if err != nil {
		return nil, "", unavailable(err)
	}
	instances, err = decodeAll[fleet.Instance](page.Items)
	return instances, page.Cursor, err
}

// EachInstance gives yield every instance of these states, and holds one page of them at a time. Those that are damaged come as an error
// at the end, as does what yield fails with; neither holds up the others.
func (s *Store) EachInstance(ctx context.Context, states []fleet.State, yield func(fleet.Instance) error) error {
	var failed error
	for _, state := range states {
		for cursor := ""; ; {
			page, next, err := s.InstancesAfter(ctx, state, cursor)
			failed = errors.Join(failed, err)
			for _, i := range page {
				failed = errors.Join(failed, yield(i))
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return failed
}
