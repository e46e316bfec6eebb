"""What a Java service's database says, written into the tenant, kind by kind."""
