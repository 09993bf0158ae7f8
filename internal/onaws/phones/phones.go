// Package phones tells telephone numbers. The tables for it take milliseconds to load, which only the functions pay that link them.
package phones

import (
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/phone"
	"github.com/project-gimbal/fleet/internal/step"
)

// Open puts Phone into env.
func Open(_ onaws.Parts, env *step.Env) {
	env.Phone = func(text string) (bool, error) { return phone.Possible(text), nil }
}
