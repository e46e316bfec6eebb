"""What a Java service's database says, in our words. Pure: neither database nor server is asked."""
