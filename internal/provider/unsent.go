package provider

import (
	"errors"

	"github.com/project-gimbal/fleet/internal/fault"
)

// Unsent is the fault of a call that was kept back: nothing happened.
func Unsent(vendor, operation string, code fault.Code, text string, cause error) *fault.Error {
	return &fault.Error{Code: code, Text: "not sent: " + text, Vendor: vendor, Operation: operation, NothingHappened: true, Err: cause}
}

// NoCredential is Unsent where the credential is not to be had: with the code of the store of credentials, or Unavailable.
func NoCredential(vendor, operation string, err error) *fault.Error {
	code := fault.Unavailable
	if f, ok := errors.AsType[*fault.Error](err); ok {
		code = f.Code
	}
	return Unsent(vendor, operation, code, "the credential is not to be had", err)
}
