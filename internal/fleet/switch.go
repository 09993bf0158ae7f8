package fleet

import "slices"

// Setting is how a switch is set.
type Setting string

const (
	// Serving: as a running instance has it, and as it is before it was ever switched.
	Serving Setting = "serving"
	// Stopped: as a suspended instance has it.
	Stopped Setting = "stopped"
)

// Is is the attribute of a switch's entry that tells its Setting. It is missing while nobody knows.
const Is = "is"

// Without is the attribute of a switch's entry that is stopped because somebody had removed at the vendor what it was in.
const Without = "without"

// Switches lists the kinds of settings that go to and fro with an instance's suspension. An instance has at most one of each.
func Switches() []Kind {
	return []Kind{FrontendPause, DNSTarget, SMSSuspension, MailSuspension, SignIn, APIKeys}
}

// Setting is how a switch surely is set, empty while nobody knows: an attempt may be changing it, or may have changed it.
func (r Resource) Setting() Setting {
	if r.Attempt != nil {
		return ""
	}
	return Setting(r.Attributes[Is])
}

// Unset lists the switches that are not surely set so by a ledger, in the order of Switches. One that the ledger doesn't hold was
// never switched.
func Unset(entries []Resource, to Setting) (unset []Kind) {
	for _, kind := range Switches() {
		is := Serving
		if i := slices.IndexFunc(entries, func(e Resource) bool { return e.Kind == kind }); i >= 0 {
			is = entries[i].Setting()
		}
		if is != to {
			unset = append(unset, kind)
		}
	}
	return unset
}
