//go:build tools

// Package tools keeps the pulumi command's own dependencies in go.mod.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
