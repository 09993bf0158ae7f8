package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

// instance finds the one instance that a person means: by its id, by its slug, or by an unambiguous beginning of its id.
// Several may have had a slug, one after another: the one that is not over counts.
func (c *call) instance(name string) (view.Row, error) {
	if strings.TrimSpace(name) == "" {
		return view.Row{}, wrong("name an instance by its id, its slug, or the beginning of its id: the name given is empty")
	}
	if fleet.IsInstanceID(name) {
		return view.Row{ID: name}, nil
	}
	var all view.Fleet
	if _, err := c.get("/instances", nil, &all); err != nil {
		return view.Row{}, err
	}
	return pick(all.Instances, name)
}

// exactly finds the one instance that a person names in full. What changes more of it than a look does is not done to one that is guessed
// from the beginning of an id, which a slug that isn't there, or not any more, may be.
func (c *call) exactly(name string) (view.Row, error) {
	r, err := c.instance(name)
	if err == nil && !strings.EqualFold(r.ID, name) && r.Slug != name {
		return view.Row{}, ambiguous{fmt.Sprintf("%q is the beginning of an id alone; if you mean this one, name it by its whole slug or id:\n  %s  %s, %s, signed up %s",
			name, r.ID, r.Slug, standing(r), view.Stamp(r.Since))}
	}
	return r, err
}

func pick(all []view.Row, name string) (view.Row, error) {
	of := func(fits func(view.Row) bool) (some []view.Row) {
		return slices.DeleteFunc(slices.Clone(all), func(r view.Row) bool { return !fits(r) })
	}
	found := of(func(r view.Row) bool { return r.Slug == name })
	if living := slices.DeleteFunc(slices.Clone(found), over); len(living) > 0 {
		found = living
	}
	if len(found) == 0 {
		found = of(func(r view.Row) bool { return strings.HasPrefix(r.ID, strings.ToLower(name)) })
	}
	switch len(found) {
	case 0:
		return view.Row{}, fmt.Errorf("there is no instance %q%s\n\"fleetctl list\" shows what there is", name, similar(all, name))
	case 1:
		return found[0], nil
	}
	text := fmt.Sprintf("%q may mean any of %d; say which by its id:", name, len(found))
	for i, r := range found {
		if i == 10 {
			text += fmt.Sprintf("\n  and %d more", len(found)-i)
			break
		}
		text += fmt.Sprintf("\n  %s  %s, %s, signed up %s", r.ID, r.Slug, standing(r), view.Stamp(r.Since))
	}
	return view.Row{}, ambiguous{text}
}

// ambiguous is a name that may mean several.
type ambiguous struct{ text string }

func (a ambiguous) Error() string { return a.text }

// over reports whether nothing more comes of it.
func over(r view.Row) bool {
	return r.State == fleet.Terminated || r.State == "" && (r.Signup == fleet.Rejected || r.Signup == fleet.Expired || r.Signup == fleet.Failed)
}

// standing is the instance's state, or the signup's status while there is none.
func standing(r view.Row) string {
	if r.State != "" {
		return string(r.State)
	}
	return string(r.Signup)
}

// similar suggests a slug that was perhaps meant.
func similar(all []view.Row, name string) string {
	if len(name) < 3 {
		return ""
	}
	for _, r := range all {
		if strings.Contains(r.Slug, name) || strings.Contains(name, r.Slug) || distance(r.Slug, name) <= 2 {
			return fmt.Sprintf(": did you mean %q?", r.Slug)
		}
	}
	return ""
}

// distance is how many letters must be put in, left out or changed to make one text of the other.
func distance(a, b string) int {
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		corner := last[0]
		last[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, last[j+1] = last[j+1], min(corner+cost, last[j]+1, last[j+1]+1)
		}
	}
	return last[len(b)]
}

// naming is how a person is told of an instance: its slug where it is known.
func naming(r view.Row) string {
	if r.Slug == "" {
		return r.ID
	}
	return fmt.Sprintf("%s (%s)", r.Slug, short(r.ID))
}

// short is the beginning of an id that is shown in its place.
func short(id string) string { return id[:min(8, len(id))] }
