package store

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// all reads a partition's items by prefix, consistently.
func (s *Store) all(ctx context.Context, partition, prefix string) ([]table.Item, error) {
	return s.pages(ctx, table.Query{Partition: partition, Prefix: prefix, Consistent: true})
}

func (s *Store) pages(ctx context.Context, q table.Query) ([]table.Item, error) {
	var items []table.Item
	for {
		page, err := s.table.Query(ctx, q)
		if err != nil {
			return nil, unavailable(err)
		}
		items = append(items, page.Items...)
		if page.Cursor == "" {
			return items, nil
		}
		q.Cursor = page.Cursor
	}
}

// decodeAll gives the records that decode, and an error for those that don't: one that is damaged must not hold up a sweep
// over all the others.
func decodeAll[T any](items []table.Item) ([]T, error) {
	out := make([]T, 0, len(items))
	var damaged error
	for _, item := range items {
		r, err := decode[T](item)
		if err != nil {
			damaged = errors.Join(damaged, err)
			continue
		}
		out = append(out, *r)
	}
	return out, damaged
}

func one[T any](ctx context.Context, s *Store, key table.Key) (*T, error) {
	item, err := s.table.Get(ctx, key, true)
	if errors.Is(err, table.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return decode[T](item)
}

// Instance reads an instance, nil if there is none yet.
func (s *Store) Instance(ctx context.Context, id string) (*fleet.Instance, error) {
	return one[fleet.Instance](ctx, s, instanceKey(id))
}

// Signup reads a signup, nil if there is none.
func (s *Store) Signup(ctx context.Context, id string) (*fleet.Signup, error) {
	return one[fleet.Signup](ctx, s, signupKey(id))
}

// Operation reads an operation, nil if there is none.
func (s *Store) Operation(ctx context.Context, instanceID, id string) (*fleet.Operation, error) {
	return one[fleet.Operation](ctx, s, operationKey(instanceID, id))
}

// Claim reads a slug's claim, nil if it is free.
func (s *Store) Claim(ctx context.Context, slug string) (*fleet.SlugClaim, error) {
	return one[fleet.SlugClaim](ctx, s, slugKey(slug))
}

// Epoch reads an instance's epoch for those who watch; 0 if there is none.
func (s *Store) Epoch(ctx context.Context, id string) (int64, error) {
	e, err := one[epoch](ctx, s, epochKey(id))
	if err != nil || e == nil {
		return 0, err
	}
	return e.Epoch, nil
}

// Resource reads a ledger entry, nil if there is none.
func (s *Store) Resource(ctx context.Context, instanceID string, kind fleet.Kind, name string) (*fleet.Resource, error) {
	return one[fleet.Resource](ctx, s, resourceKey(instanceID, kind, name))
}

// Resources reads an instance's ledger, by kind and name.
func (s *Store) Resources(ctx context.Context, instanceID string) ([]fleet.Resource, error) {
	items, err := s.all(ctx, partition(instanceID), "resource#")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Resource](items)
}

// Operations reads an instance's operations.
func (s *Store) Operations(ctx context.Context, instanceID string) ([]fleet.Operation, error) {
	items, err := s.all(ctx, partition(instanceID), "operation#")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Operation](items)
}

// Export reads an export, nil if there is none.
func (s *Store) Export(ctx context.Context, instanceID, id string) (*fleet.Export, error) {
	return one[fleet.Export](ctx, s, exportKey(instanceID, id))
}

// Exports reads an instance's exports.
func (s *Store) Exports(ctx context.Context, instanceID string) ([]fleet.Export, error) {
	items, err := s.all(ctx, partition(instanceID), "export#")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Export](items)
}

// Message reads a message, nil if there is none.
func (s *Store) Message(ctx context.Context, instanceID, id string) (*fleet.Message, error) {
	return one[fleet.Message](ctx, s, messageKey(instanceID, id))
}

// Messages reads an instance's messages.
func (s *Store) Messages(ctx context.Context, instanceID string) ([]fleet.Message, error) {
	items, err := s.all(ctx, partition(instanceID), "message#")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Message](items)
}

// Incidents reads an instance's incidents, open and closed.
func (s *Store) Incidents(ctx context.Context, instanceID string) ([]fleet.Incident, error) {
	items, err := s.all(ctx, partition(instanceID), "incident#")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Incident](items)
}

// Incident reads an incident, nil if there is none. The whole fleet's have fleet.FleetID for an instance.
func (s *Store) Incident(ctx context.Context, instanceID, id string) (*fleet.Incident, error) {
	return one[fleet.Incident](ctx, s, incidentKey(instanceID, id))
}

// Freezes lists what is frozen, by scope.
func (s *Store) Freezes(ctx context.Context) ([]fleet.Freeze, error) {
	f, err := one[freezes](ctx, s, freezesKey())
	if err != nil || f == nil {
		return nil, err
	}
	return f.Freezes, nil
}

// Secret reads a sealed secret, nil if there is none.
func (s *Store) Secret(ctx context.Context, instanceID, name string) ([]byte, error) {
	r, err := one[sealed](ctx, s, secretKey(instanceID, name))
	if err != nil || r == nil {
		return nil, err
	}
	return r.Sealed, nil
}

// Audit reads an instance's audit chain in order, with its head.
func (s *Store) Audit(ctx context.Context, instanceID string) ([]fleet.AuditEntry, fleet.AuditHead, error) {
	head, err := one[fleet.AuditHead](ctx, s, auditHeadKey(instanceID))
	if err != nil || head == nil {
		return nil, fleet.AuditHead{}, err
	}
	items, err := s.all(ctx, partition(instanceID), "audit#")
	if err != nil {
		return nil, fleet.AuditHead{}, err
	}
	entries, err := decodeAll[fleet.AuditEntry](items)
	slices.SortFunc(entries, func(a, b fleet.AuditEntry) int { return cmp.Compare(a.Seq, b.Seq) })
	return entries, *head, err
}

// Signups lists signups of a status, in the order in which they were requested, or approved. The list may lag.
func (s *Store) Signups(ctx context.Context, status fleet.SignupStatus) ([]fleet.Signup, error) {
	items, err := s.pages(ctx, table.Query{Index: ByList, Partition: "signup#" + string(status)})
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Signup](items)
}

// signupPage is how many signups EachSignup reads at a time.
const signupPage = 25

// EachSignup goes through the signups of a status as Signups lists them, and reads no further than its user goes. A record that is
// damaged comes as an error, and the others go on; a list that can't be read ends with one.
func (s *Store) EachSignup(ctx context.Context, status fleet.SignupStatus) iter.Seq2[*fleet.Signup, error] {
	return func(yield func(*fleet.Signup, error) bool) {
		q := table.Query{Index: ByList, Partition: "signup#" + string(status), Limit: signupPage}
		for {
			page, err := s.table.Query(ctx, q)
			if err != nil {
				yield(nil, unavailable(err))
				return
			}
			for _, item := range page.Items {
				if !yield(decode[fleet.Signup](item)) {
					return
				}
			}
			if q.Cursor = page.Cursor; q.Cursor == "" {
				return
			}
		}
	}
}

// Instances lists instances of a state, oldest first. The list may lag.
func (s *Store) Instances(ctx context.Context, state fleet.State) ([]fleet.Instance, error) {
	items, err := s.pages(ctx, table.Query{Index: ByList, Partition: "instance#" + string(state)})
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Instance](items)
}

// Waiting lists the instances that wait for a vendor, oldest first. The list may lag.
func (s *Store) Waiting(ctx context.Context) ([]fleet.Instance, error) {
	items, err := s.due(ctx, "waits", "")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Instance](items)
}

// OpenIncidents lists open incidents of the whole fleet, oldest first. The list may lag.
func (s *Store) OpenIncidents(ctx context.Context) ([]fleet.Incident, error) {
	items, err := s.pages(ctx, table.Query{Index: ByList, Partition: "incident"})
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Incident](items)
}

// Unpaged lists the open incidents that were not handed to the people on call, the longest open first. The list may lag.
func (s *Store) Unpaged(ctx context.Context) ([]fleet.Incident, error) {
	items, err := s.due(ctx, "page", "")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Incident](items)
}

// RunningOperations lists all running operations by deadline. The list may lag.
func (s *Store) RunningOperations(ctx context.Context) ([]fleet.Operation, error) {
	items, err := s.due(ctx, "operation", "")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Operation](items)
}

// RecheckDue lists the instances that have a recheck due at a time, the longest due first. The list may lag.
func (s *Store) RecheckDue(ctx context.Context, at time.Time) ([]string, error) {
	items, err := s.due(ctx, "recheck", stamp(at)+"~")
	var ids []string
	for _, item := range items {
		if id := item.Partition[len(partition("")):]; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// Forgettable lists the signups that came to nothing and whose applicant has to be erased by a time, the longest due first. The list
// may lag.
func (s *Store) Forgettable(ctx context.Context, at time.Time) ([]fleet.Signup, error) {
	items, err := s.due(ctx, "forget", stamp(at)+"~")
	if err != nil {
		return nil, err
	}
	return decodeAll[fleet.Signup](items)
}

// due reads what is due until to, or all of it, from every shard, the longest due first.
func (s *Store) due(ctx context.Context, what, to string) ([]table.Item, error) {
	var all []table.Item
	for shard := range dueShards {
		items, err := s.pages(ctx, table.Query{Index: ByDue, Partition: dueShard(what, shard), To: to})
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	slices.SortStableFunc(all, func(a, b table.Item) int { return cmp.Compare(a.Index[ByDue].Sort, b.Index[ByDue].Sort) })
	return all, nil
}
