package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// Standing makes the open incidents of a kind be those of the causes that stand now. The wanted ones have their causes for ids.
// A cause that stands already is left alone; one that is new, or came back, opens an incident of its own under the cause's id
// and the number of the occurrence: "check/dns/1", then "check/dns/2", so that each has its own history and is paged. What is
// open of the kind is closed unless its cause is wanted, or unsure says that nobody knows.
func (tx *Tx) Standing(kind fleet.IncidentKind, wanted []fleet.Incident, unsure func(cause string) bool) error {
	items, err := tx.store.all(tx.ctx, partition(tx.instance), "incident#")
	if err != nil {
		return err
	}
	last, open := map[string]int{}, map[string]bool{}
	for _, item := range items {
		i, err := decode[fleet.Incident](item)
		if err != nil {
			return err
		}
		cause, n := occurrence(i.ID)
		if i.Code != kind || n == 0 {
			continue
		}
		last[cause] = max(last[cause], n)
		if !i.ClosedAt.IsZero() {
			continue
		}
		if unsure(cause) || slices.ContainsFunc(wanted, func(w fleet.Incident) bool { return w.ID == cause }) {
			open[cause] = true
			continue
		}
		tx.seen[item.Key] = item.Version
		i.ClosedAt = tx.Now()
		tx.Audit(fleet.AuditEntry{ID: "incident/" + i.ID + "/closed", Actor: "fleet", Action: "incident.closed", Subject: i.ID, Outcome: string(i.Code)})
		if err := tx.put(item.Key, i); err != nil {
			return err
		}
	}
	for _, w := range wanted {
		if w.Code != kind || w.ID == "" {
			return fault.New(fault.Internal, "the incident %q is not of the kind %s", w.ID, kind)
		}
		if open[w.ID] {
			continue
		}
		w.ID = fmt.Sprintf("%s/%d", w.ID, last[w.ID]+1)
		if err := tx.Open(w); err != nil {
			return err
		}
	}
	return nil
}

// CauseOf is the cause of an incident that Standing opened; any other incident's is its id.
func CauseOf(id string) string {
	cause, _ := occurrence(id)
	return cause
}

// occurrence takes the id of an incident that Standing opened apart; the number is 0 for another one's.
func occurrence(id string) (cause string, n int) {
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return id, 0
	}
	n, err := strconv.Atoi(id[i+1:])
	if err != nil || n < 1 {
		return id, 0
	}
	return id[:i], n
}
