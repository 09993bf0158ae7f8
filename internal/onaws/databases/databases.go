// Package databases opens customers' databases. PostgreSQL's client is a quarter of the functions that link it.
package databases

import (
	"github.com/project-gimbal/fleet/internal/onaws"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/step"
)

// Open puts Databases into env.
func Open(_ onaws.Parts, env *step.Env) { env.Databases = schema.Open }
