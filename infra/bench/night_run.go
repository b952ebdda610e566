package main

import (
	"context"
	"errors"
	"io"
)

func measureNight(context.Context, io.Writer, nightOptions, []string) error { return errors.New("later") }
