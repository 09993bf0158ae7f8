package cloudflare

import (
	"encoding/json"
	"slices"
)

// records are a zone's, in the order of their creation; a zone may have thousands. As JSON they are a list.
type records struct {
	all    []*record
	byID   map[string]*record
	byName map[string][]*record // full names, in lower case
	serial int64                // grows with each change
}

func (rs *records) add(r record) {
	if rs.byID == nil {
		rs.byID, rs.byName = map[string]*record{}, map[string][]*record{}
	}
	rs.serial++
	kept := &r
	rs.all = append(rs.all, kept)
	rs.byID[r.ID] = kept
	rs.byName[r.Name] = append(rs.byName[r.Name], kept)
}

// replace puts r in the place of the record of its id.
func (rs *records) replace(r record) {
	rs.serial++
	kept := rs.byID[r.ID]
	if kept.Name != r.Name {
		rs.forgetName(kept)
		rs.byName[r.Name] = append(rs.byName[r.Name], kept)
	}
	*kept = r
}

func (rs *records) remove(id string) {
	rs.serial++
	gone := rs.byID[id]
	delete(rs.byID, id)
	rs.forgetName(gone)
	rs.all = without(rs.all, gone)
}

func (rs *records) forgetName(r *record) {
	left := without(rs.byName[r.Name], r)
	rs.byName[r.Name] = left
	if len(left) == 0 {
		delete(rs.byName, r.Name)
	}
}

func without(list []*record, r *record) []*record {
	i := slices.Index(list, r)
	return slices.Delete(list, i, i+1)
}

// MarshalJSON gives the list.
func (rs records) MarshalJSON() ([]byte, error) { return json.Marshal(rs.all) }

// UnmarshalJSON takes the list.
func (rs *records) UnmarshalJSON(text []byte) error {
	var all []record
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*rs = records{serial: rs.serial + 1}
	for _, r := range all {
		rs.add(r)
	}
	return nil
}
