package main

import (
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// Run begins an import.
func (x *importCommand) Run(c *call) error {
	from, id, both := strings.Cut(x.From, "/")
	if !both || from == "" || id == "" {
		return wrong("--from names an instance and its export: acme-dental/7")
	}
	r, err := c.exactly(x.Instance)
	if err != nil {
		return err
	}
	other, err := c.exactly(from)
	if err != nil {
		return err
	}
	var all view.Exports
	if _, err := c.get("/instances/"+other.ID+"/exports", nil, &all); err != nil {
		return err
	}
	e, err := theExport(other, all.Exports, id)
	if err != nil {
		return err
	}
	if err := c.confirm(x.Yes, "Import export %s of %s into %s? What its provisioning put in is replaced, its administrator as well.", e.ID, naming(other), naming(r)); err != nil {
		return err
	}
	return c.begun(r, "is being filled with what "+naming(other)+" held", "/instances/"+r.ID+"/import", view.Import{From: other.ID, Export: e.ID, OtherCustomer: x.OtherCustomer})
}

// imports reports whether an operation is an import, by its id.
func imports(o view.Operation) bool { return strings.HasPrefix(o.Operation, string(fleet.TakeIn)+"-") }
