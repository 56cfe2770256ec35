"""What is declared at Tencent Cloud, through its Pulumi provider."""
