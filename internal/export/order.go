package export

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// silence gives the statements that switch triggers off and let foreign keys wait, and those that undo it.
func (in *importing) silence(ctx context.Context, goals []goal) (quiet, loud string, err error) {
	var owned []uint32
	for _, g := range goals {
		if g.owned {
			owned = append(owned, g.oid)
		}
	}
	rows, err := in.tx.Query(ctx, `
		select format('alter table %s disable trigger %I;', tgrelid::regclass, tgname), format('alter table %s enable %strigger %I;', tgrelid::regclass, case tgenabled when 'A' then 'always ' else '' end, tgname)
		from pg_trigger where tgrelid = any ($1) and not tgisinternal and tgparentid = 0 and tgenabled in ('O', 'A')
		union all select format('alter table %s alter constraint %I deferrable initially deferred;', conrelid::regclass, conname),
			format('alter table %s alter constraint %I %sdeferrable initially %s;', conrelid::regclass, conname, case when condeferrable then '' else 'not ' end, case when condeferred then 'deferred' else 'immediate' end)
		from pg_constraint where conrelid = any ($1) and contype = 'f' and conparentid = 0
		order by 1`, owned)
	if err != nil {
		return "", "", err
	}
	var off, on string
	_, err = pgx.ForEachRow(rows, []any{&off, &on}, func() error {
		quiet, loud = quiet+off+"\n", loud+on+"\n"
		return nil
	})
	return quiet, loud, err
}

// sorted puts each table behind those that its foreign keys lead to, as far as that goes.
func (in *importing) sorted(ctx context.Context, goals []goal) ([]goal, error) {
	rows, err := in.tx.Query(ctx, `select distinct conrelid, confrelid from pg_constraint where contype = 'f' and conrelid <> confrelid order by 1, 2`)
	if err != nil {
		return nil, err
	}
	leads := map[uint32][]uint32{}
	var from, to uint32
	if _, err = pgx.ForEachRow(rows, []any{&from, &to}, func() error { leads[from] = append(leads[from], to); return nil }); err != nil {
		return nil, err
	}
	byOID, seen := map[uint32]goal{}, map[uint32]bool{}
	for _, g := range goals {
		byOID[g.oid] = g
	}
	var order []goal
	var visit func(oid uint32)
	visit = func(oid uint32) {
		if seen[oid] {
			return
		}
		seen[oid] = true
		for _, to := range leads[oid] {
			visit(to)
		}
		if g, ok := byOID[oid]; ok {
			order = append(order, g)
		}
	}
	for _, g := range goals {
		visit(g.oid)
	}
	return order, nil
}

// quieted are the tables whose triggers must not act while this one is imported, by their names and ids.
func (in *importing) quieted(ctx context.Context, goals []goal) ([]goal, error) {
	if in.Administrator == "" {
		return goals, nil
	}
	settings := goal{owned: true}
	err := in.tx.QueryRow(ctx, "select coalesce(to_regclass($1)::oid, 0)", config).Scan(&settings.oid)
	return append(slices.Clone(goals), settings), err
}
