package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/project-gimbal/fleet/internal/view"
)

// Run prints a certificate as it was issued: its JSON has the checksum that was noted then.
func (x *certificateCommand) Run(c *call) error {
	r, err := c.instance(x.Instance)
	if err != nil {
		return err
	}
	var told view.Certificate
	text, err := c.get("/instances/"+r.ID+"/certificate", nil, &told)
	if err != nil || c.flags.JSON {
		return c.told(text, err)
	}
	sum := sha256.Sum256([]byte(told.JSON))
	if hex.EncodeToString(sum[:]) != told.SHA256 {
		return errors.New("this is not the certificate that was issued: it has another checksum")
	}
	whole := told.JSON
	if x.Page {
		whole = told.Page
	}
	_, err = io.WriteString(c.terminal.out, whole)
	return err
}
