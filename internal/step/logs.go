package step

import (
	"encoding/json"
	"strings"
)

// LogSource is the function or the workflow that wrote a line of the log: what the line itself says, or, of a workflow on AWS, the
// state machine of its execution. Empty where it can't be told.
func LogSource(text string) string {
	var line struct {
		Function  string `json:"function"`
		Workflow  string `json:"workflow"`
		Execution string `json:"execution_arn"`
	}
	if json.Unmarshal([]byte(text), &line) != nil {
		return ""
	}
	if line.Function != "" {
		return line.Function
	}
	// arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME
	if parts := strings.Split(line.Execution, ":"); len(parts) >= 8 && parts[5] == "execution" {
		return parts[6]
	}
	return line.Workflow
}
