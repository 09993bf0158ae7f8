package export

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// id is an object's place in the catalog.
type id struct{ class, oid uint32 }

// object is what an export makes.
type object struct {
	id       id
	rank     int // of its kind
	late     bool
	key      bool
	sql      string
	sort     string // "table", as pg_identify_object has it
	identity string // as SQL writes it
}

// catalog is what a database's catalog says of the customer's schemas.
type catalog struct {
	tx      pgx.Tx
	schemas []string
	objects map[id]*object
	left    map[id]string // why an object isn't made
	because map[id]id     // the object that it wants, if that is why
	edges   map[id][]id   // what an object depends on
	inner   map[id]id     // what an object is a part of
	members map[id]id     // extensions that brought an object
	leftOut []LeftOut
}

// Classes of the catalog, by their OIDs, which are the same everywhere.
const (
	classType       = 1247
	classRelation   = 1259
	classDefault    = 2604
	classConstraint = 2606
	classRule       = 2618
)

// makes reports whether a part is made with its whole: a view's query, a generated column, a domain's check.
func makes(part, whole id) bool {
	switch part.class {
	case classType, classRelation, classDefault, classRule:
		return true
	}
	return part.class == classConstraint && whole.class == classType
}

// firstUser is the lowest OID of objects that weren't there when the server was set up.
const firstUser = 16384

// readCatalog reads all that can be made, and notes what can't.
func readCatalog(ctx context.Context, tx pgx.Tx) (*catalog, error) {
	c := &catalog{tx: tx, objects: map[id]*object{}, left: map[id]string{}, because: map[id]id{}, edges: map[id][]id{}, inner: map[id]id{}, members: map[id]id{}}
	for _, read := range []func(context.Context) error{c.readSchemas, c.readDependencies, c.readObjects, c.readOthers, c.readNames} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	c.spread()
	return c, nil
}

// readSchemas finds the customer's schemas: all but the system's, an extension's own, and those that the vendor keeps.
func (c *catalog) readSchemas(ctx context.Context) error {
	rows, err := c.tx.Query(ctx, `select n.nspname, coalesce((select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
			where d.classid = 'pg_namespace'::regclass and d.objid = n.oid and d.deptype = 'e'), '')
		from pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by n.nspname collate "C"`)
	if err != nil {
		return err
	}
	var name, extension string
	_, err = pgx.ForEachRow(rows, []any{&name, &extension}, func() error {
		switch why := managed[name]; {
		case why != "":
			c.leftOut = append(c.leftOut, LeftOut{"schema " + name, why})
		case extension != "":
			c.leftOut = append(c.leftOut, LeftOut{"schema " + name, "it belongs to the extension " + extension})
		default:
			c.schemas = append(c.schemas, name)
		}
		return nil
	})
	return err
}

func (c *catalog) readDependencies(ctx context.Context) error {
	rows, err := c.tx.Query(ctx, `select classid, objid, refclassid, refobjid, deptype::text from pg_depend
		where objid >= $1 order by classid, objid, refclassid, refobjid`, firstUser)
	if err != nil {
		return err
	}
	var from, to id
	var sort string
	_, err = pgx.ForEachRow(rows, []any{&from.class, &from.oid, &to.class, &to.oid, &sort}, func() error {
		switch sort {
		case "e":
			c.members[from] = to
			return nil
		case "i":
			c.inner[from] = to
		case "a":
			if _, known := c.inner[from]; !known {
				c.inner[from] = to
			}
		}
		if from != to {
			c.edges[from] = append(c.edges[from], to)
		}
		return nil
	})
	return err
}

func (c *catalog) readObjects(ctx context.Context) error {
	for rank, k := range kinds() {
		args := []any{c.schemas}
		if strings.Contains(k.query, "$2") {
			args = append(args, stock())
		}
		rows, err := c.tx.Query(ctx, k.query, args...)
		if err != nil {
			return err
		}
		var at id
		var sql string
		_, err = pgx.ForEachRow(rows, []any{&at.class, &at.oid, &sql}, func() error {
			if _, member := c.members[at]; !member {
				c.objects[at] = &object{id: at, rank: rank, late: k.late, key: k.key, sql: sql}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readOthers notes objects of other kinds. What is part of something isn't named for itself.
func (c *catalog) readOthers(ctx context.Context) error {
	rows, err := c.tx.Query(ctx, others, c.schemas, stock())
	if err != nil {
		return err
	}
	var at id
	var why string
	_, err = pgx.ForEachRow(rows, []any{&at.class, &at.oid, &why}, func() error {
		_, member := c.members[at]
		_, inner := c.inner[at]
		if !member && !inner && c.objects[at] == nil {
			c.left[at] = why
		}
		return nil
	})
	if err != nil {
		return err
	}
	rows, err = c.tx.Query(ctx, settings, c.schemas)
	if err != nil {
		return err
	}
	more, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LeftOut])
	c.leftOut = append(c.leftOut, more...)
	return err
}

// readNames gives objects, and what is left out, their names.
func (c *catalog) readNames(ctx context.Context) error {
	var classes, oids []uint32
	for at := range c.objects {
		classes, oids = append(classes, at.class), append(oids, at.oid)
	}
	rows, err := c.tx.Query(ctx, `select u.class, u.oid, o.type, o.identity
		from unnest($1::oid[], $2::oid[]) as u (class, oid), pg_identify_object(u.class, u.oid, 0) as o`, classes, oids)
	if err != nil {
		return err
	}
	var at id
	var sort, identity string
	_, err = pgx.ForEachRow(rows, []any{&at.class, &at.oid, &sort, &identity}, func() error {
		o := c.objects[at]
		o.sort, o.identity = sort, identity
		return nil
	})
	return err
}

// target is the object that a dependency on at means: itself, what it is part of, or the extension that brought it. Nothing
// is meant of the system's own.
func (c *catalog) target(at id) (to id, foreign bool) {
	for range 8 { // a part of a part of a part is the deepest there is
		if c.objects[at] != nil || c.left[at] != "" {
			return at, false
		}
		if extension, ok := c.members[at]; ok {
			at = extension
			continue
		}
		whole, ok := c.inner[at]
		if !ok {
			break
		}
		at = whole
	}
	return id{}, at.oid >= firstUser
}

// needs are what each object depends on, its parts' dependencies included; and why it can't be made, if something is missing.
func (c *catalog) needs() (needs map[id][]id, missing map[id]id) {
	needs, missing = map[id][]id{}, map[id]id{}
	for from, all := range c.edges {
		owner, _ := c.target(from)
		if c.objects[owner] == nil || owner != from && !makes(from, owner) {
			continue
		}
		for _, to := range all {
			switch wanted, foreign := c.target(to); {
			case foreign:
				missing[owner] = to
			case wanted != id{} && wanted != owner && !slices.Contains(needs[owner], wanted):
				needs[owner] = append(needs[owner], wanted)
			}
		}
	}
	return needs, missing
}

// spread leaves out whatever depends on what is left out.
func (c *catalog) spread() {
	needs, missing := c.needs()
	for at, to := range missing {
		c.left[at], c.because[at] = "it depends on", to
		delete(c.objects, at)
	}
	for changed := true; changed; {
		changed = false
		for _, at := range slices.SortedFunc(maps.Keys(c.objects), compareIDs) {
			for _, to := range needs[at] {
				if c.left[to] != "" {
					c.left[at], c.because[at], changed = "it depends on", to, true
					delete(c.objects, at)
					break
				}
			}
		}
	}
}

func compareIDs(a, b id) int {
	if a.class != b.class {
		return int(a.class) - int(b.class)
	}
	return int(a.oid) - int(b.oid)
}

// ordered gives the objects so that each comes after what it needs, those that are made before the rows first. Objects that
// need each other are left out.
func (c *catalog) ordered() (early, late []*object) {
	needs, _ := c.needs()
	all := slices.SortedFunc(maps.Values(c.objects), func(a, b *object) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return strings.Compare(a.identity, b.identity)
	})
	place := map[id]int{}
	for i, o := range all {
		place[o.id] = i
	}
	const visiting, done = 1, 2
	state := map[id]int{}
	var order []*object
	var visit func(o *object) bool
	visit = func(o *object) bool {
		switch state[o.id] {
		case visiting:
			return false
		case done:
			return true
		}
		state[o.id] = visiting
		before := slices.Clone(needs[o.id])
		slices.SortFunc(before, func(a, b id) int { return place[a] - place[b] })
		for _, to := range before {
			if next := c.objects[to]; next == nil || !visit(next) {
				c.left[o.id] = "it and what it depends on need each other"
				delete(c.objects, o.id)
				return false
			}
		}
		state[o.id] = done
		order = append(order, o)
		return true
	}
	for _, o := range all {
		if !o.late && c.objects[o.id] != nil {
			visit(o)
		}
	}
	early, order = order, nil
	for _, o := range all {
		if o.late && c.objects[o.id] != nil {
			visit(o)
		}
	}
	return early, order
}

// descriptions are the left-out objects for the manifest.
func (c *catalog) descriptions(ctx context.Context) ([]LeftOut, error) {
	var classes, oids, wanted, of []uint32
	var why []string
	for _, at := range slices.SortedFunc(maps.Keys(c.left), compareIDs) {
		to := c.because[at]
		classes, oids, why = append(classes, at.class), append(oids, at.oid), append(why, c.left[at])
		of, wanted = append(of, to.class), append(wanted, to.oid)
	}
	rows, err := c.tx.Query(ctx, `select coalesce(pg_describe_object(u.class, u.oid, 0), format('object %s', u.oid)), concat_ws(' ', u.why, pg_describe_object(u.of, u.wanted, 0))
		from unnest($1::oid[], $2::oid[], $3::text[], $4::oid[], $5::oid[]) as u (class, oid, why, of, wanted) order by 1, 2`, classes, oids, why, of, wanted)
	if err != nil {
		return nil, err
	}
	objects, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LeftOut])
	return slices.Concat(c.leftOut, objects), err
}

// made are the objects in order, for what is asked about them afterwards.
func made(early, late []*object) (classes, oids []uint32, byID map[id]*object) {
	byID = map[id]*object{}
	for _, o := range slices.Concat(early, late) {
		classes, oids, byID[o.id] = append(classes, o.id.class), append(oids, o.id.oid), o
	}
	return classes, oids, byID
}

// join puts the SQL of objects together, a statement after the other.
func join(objects []*object) string {
	var b strings.Builder
	for _, o := range objects {
		fmt.Fprintf(&b, "%s\n\n", strings.TrimRight(o.sql, "\n"))
	}
	return b.String()
}
