package store

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// Indexes of the fleet's table. Reads through them lag, so whatever is found there is read again before it is acted on.
const (
	// ByList holds the fleet-wide lists: signups, instances, open incidents, each under its status.
	ByList = "list"
	// ByDue holds what has a time, or has to be done: running operations by deadline, rechecks, incidents that nobody was paged
	// for, messages of the outbox, applicants who have to be erased, instances whose
	// notice or grace ends. Its partitions are sharded.
	ByDue = "due"
)

// Indexes lists the indexes a table for this store must have.
func Indexes() []string { return []string{ByList, ByDue} }

const dueShards = 4

func partition(instanceID string) string { return "instance#" + instanceID }

func instanceKey(id string) table.Key  { return table.Key{Partition: partition(id), Sort: "instance"} }
func signupKey(id string) table.Key    { return table.Key{Partition: partition(id), Sort: "signup"} }
func epochKey(id string) table.Key     { return table.Key{Partition: partition(id), Sort: "epoch"} }
func auditHeadKey(id string) table.Key { return table.Key{Partition: partition(id), Sort: "audit"} }
func auditKey(id, entry string) table.Key {
	return table.Key{Partition: partition(id), Sort: "audit#" + entry}
}
func operationKey(id, op string) table.Key {
	return table.Key{Partition: partition(id), Sort: "operation#" + op}
}
func resourceKey(id string, kind fleet.Kind, name string) table.Key {
	return table.Key{Partition: partition(id), Sort: "resource#" + string(kind) + "#" + name}
}
func messageKey(id, message string) table.Key {
	return table.Key{Partition: partition(id), Sort: "message#" + message}
}
func incidentKey(id, incident string) table.Key {
	return table.Key{Partition: partition(id), Sort: "incident#" + incident}
}
func exportKey(id, export string) table.Key {
	return table.Key{Partition: partition(id), Sort: "export#" + export}
}
func downloadKey(id, export string) table.Key {
	return table.Key{Partition: partition(id), Sort: "download#" + export}
}
func secretKey(id, name string) table.Key {
	return table.Key{Partition: partition(id), Sort: "secret#" + name}
}
func freezesKey() table.Key         { return table.Key{Partition: partition(fleet.FleetID), Sort: "freezes"} }
func slugKey(slug string) table.Key { return table.Key{Partition: "slug#" + slug, Sort: "claim"} }
func slotKey(n int) table.Key {
	return table.Key{Partition: "slots", Sort: fmt.Sprintf("slot#%04d", n)}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

func listed(list string, at time.Time, id string) map[string]table.Key {
	return map[string]table.Key{ByList: {Partition: list, Sort: stamp(at) + "#" + id}}
}

func due(what string, at time.Time, id string) map[string]table.Key {
	return map[string]table.Key{ByDue: {Partition: dueShard(what, shardOf(id)), Sort: stamp(at) + "#" + id}}
}

func dueShard(what string, shard int) string { return fmt.Sprintf("%s#%d", what, shard) }

func shardOf(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return int(h.Sum32() % dueShards)
}

// place gives the index entries and attributes of a record.
func place(record any) (map[string]table.Key, map[string]string) {
	switch r := record.(type) {
	case *fleet.Signup:
		at := r.RequestedAt
		if r.Status == fleet.Approved {
			at = r.DecidedAt
		}
		places := listed("signup#"+string(r.Status), at, r.InstanceID)
		if !r.ForgetAt.IsZero() {
			places[ByDue] = due("forget", r.ForgetAt, r.InstanceID)[ByDue]
		}
		return places, nil
	case *fleet.Instance:
		places := listed("instance#"+string(r.State), r.CreatedAt, r.ID)
		if r.Waits != "" {
			places[ByDue] = due("waits", r.CreatedAt, r.ID)[ByDue]
		}
		return places, nil
	case *fleet.Incident:
		return placeIncident(r), nil
	case *fleet.Operation:
		if r.Running() {
			return due("operation", r.Progress.Deadline, r.InstanceID+"#"+r.ID), nil
		}
	case *fleet.Resource:
		if !r.RecheckAt.IsZero() {
			return due("recheck", r.RecheckAt, r.Name+"#"+string(r.Kind)), nil
		}
	case *fleet.Message:
		if !r.IntendedAt.IsZero() && !r.Done() {
			return due("outbox", r.IntendedAt, r.InstanceID+"#"+r.ID), nil
		}
	case *fleet.Due:
		return due("end", r.At, r.InstanceID), nil
	case *epoch:
		return nil, map[string]string{"epoch": r.String()}
	}
	return nil, nil
}

func placeIncident(i *fleet.Incident) map[string]table.Key {
	if !i.ClosedAt.IsZero() {
		return nil
	}
	places := listed("incident", i.OpenedAt, i.InstanceID+"#"+i.ID)
	if i.PagedAt.IsZero() {
		places[ByDue] = due("page", i.OpenedAt, i.InstanceID+"#"+i.ID)[ByDue]
	}
	return places
}
