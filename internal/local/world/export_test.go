package world

import "github.com/project-gimbal/fleet/internal/step"

// OwnCalendar is the port to one-time schedules that an invocation has.
func (w *World) OwnCalendar() step.Calendar { return calendar{w, &life{}} }
