package view

import "github.com/project-gimbal/fleet/internal/fleet"

// Staged is a stage as people say it of an instance: "in notice", "closing".
func Staged(s fleet.Stage) string {
	if s == fleet.InNotice || s == fleet.InGrace {
		return "in " + string(s)
	}
	return string(s)
}

// EndNext is what comes next in the end of an instance's life; the decommission's Ends says when, where the calendar does.
func EndNext(d fleet.Decommission) string {
	switch d.Stage {
	case fleet.InNotice:
		if !d.Given() {
			return "the notice is given, once the first export is verified"
		}
		return "the instance is suspended, and its final export made and verified"
	case fleet.InClosing:
		return "the grace begins, once it is suspended and its final export verified"
	case fleet.InGrace:
		return "the instance is terminated: all that it has is deleted"
	case fleet.Terminating:
		return "its resources are deleted, its audit chain archived, its certificate issued and its data key destroyed"
	case fleet.Ended:
		return "none: nothing is left of it, and the certificate says so"
	case fleet.Withdrawn:
		return "none: it was cancelled"
	}
	return ""
}
