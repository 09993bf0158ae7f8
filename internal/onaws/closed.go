package onaws

import (
	"context"
	"io/fs"
	"time"

	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// The ports of what a function isn't granted. Each fails with the fault that says so.

type closedTable struct{ err error }

func (c closedTable) Get(context.Context, table.Key, bool) (table.Item, error) {
	return table.Item{}, c.err
}

func (c closedTable) Query(context.Context, table.Query) (table.Page, error) {
	return table.Page{}, c.err
}

func (c closedTable) Write(context.Context, []table.Write) error { return c.err }

type closedExecutions struct{ err error }

func (c closedExecutions) Start(context.Context, string, string, any) error { return c.err }

func (c closedExecutions) Status(context.Context, string, string) (step.Execution, error) {
	return "", c.err
}

type closedSurroundings struct{ err error }

func (c closedSurroundings) Schedules(context.Context) ([]string, error) { return nil, c.err }

func (c closedSurroundings) DeadLetters(context.Context) (int, error) { return 0, c.err }

func (c closedSurroundings) CredentialChanged(context.Context, string) (time.Time, error) {
	return time.Time{}, c.err
}

type closedFolder struct{ err error }

func (c closedFolder) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: c.err}
}
